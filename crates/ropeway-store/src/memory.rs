//! A queue in memory that outlives those who open it, as a file outlives processes, and that has no thread: its callers
//! carry their calls out themselves, one after the other. With it a simulation has one order of events for a seed.

use std::{
    fmt,
    future::Future,
    path::Path,
    pin::Pin,
    sync::{Arc, PoisonError},
};

use rusqlite::Connection;
use tokio::sync::{Mutex, MutexGuard};

use crate::{
    Store, StoreError, connection,
    error::Fault,
    store::IN_MEMORY,
    writer::{self, Write},
};

/// What a [`Volume`] is waited for with.
pub type Waiting<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The volume that a [`MemoryQueue`] pretends to lie on: how long a commit takes and whether there is room for it.
pub trait Volume: Send + Sync + fmt::Debug {
    /// Comes before each commit; `false` refuses it for want of room.
    fn commit(&self) -> Waiting<'_, bool>;

    /// Comes between a commit and its acknowledgement.
    fn acknowledge(&self) -> Waiting<'_, ()>;
}

/// A queue without a file and without a thread; a clone is the same queue.
///
/// Calls are carried out in the order in which they come. One whose caller stops waiting before [`Volume::commit`] has
/// returned leaves nothing behind; after that its change stays.
#[derive(Clone)]
pub struct MemoryQueue {
    connection: Arc<std::sync::Mutex<Connection>>,
    /// Held by the call that has its turn.
    turn: Arc<Mutex<()>>,
    volume: Arc<dyn Volume>,
}

impl MemoryQueue {
    /// An empty queue.
    pub fn new(volume: Arc<dyn Volume>) -> Result<Self, StoreError> {
        let connection = Arc::new(std::sync::Mutex::new(connection::open_in_memory(Path::new(IN_MEMORY))?));
        Ok(Self { connection, turn: Arc::default(), volume })
    }

    /// The queue as the next process finds it. Nobody may have it open: what the last process was about to do is gone.
    pub fn open(&mut self) -> Store {
        self.turn = Arc::default();
        Store::over(self.clone())
    }

    /// Runs SQL beside all rules of the store, to plant a fault that a test must find.
    pub fn tamper(&self, sql: &str) -> Result<(), StoreError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        connection.execute_batch(sql).map_err(|error| Fault::from(error).at(Path::new(IN_MEMORY)))
    }

    async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    pub(crate) async fn read<T>(
        &self,
        path: &Path,
        work: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let _turn = self.turn().await;
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&connection).map_err(|fault| fault.at(path))
    }

    /// Carries a write out and answers it.
    pub(crate) async fn write(&self, path: &Path, write: Box<dyn Write>) {
        let _turn = self.turn().await;
        if !self.volume.commit().await {
            return write.reply(Err(StoreError::Full { path: path.to_owned() }));
        }
        let mut group = vec![write];
        let committed = {
            let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
            writer::run_group(&mut connection, path, &mut group, || None)
        };
        self.volume.acknowledge().await;
        for write in group {
            write.reply(committed.clone());
        }
    }
}

impl fmt::Debug for MemoryQueue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MemoryQueue").field("volume", &self.volume).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

    use ropeway_model::{JobSpec, Phase, Timestamp, Transfer, Wish};

    use super::*;
    use crate::NewJob;

    #[derive(Debug, Default)]
    struct MayBeFull(AtomicBool);

    impl Volume for MayBeFull {
        fn commit(&self) -> Waiting<'_, bool> {
            Box::pin(std::future::ready(!self.0.load(SeqCst)))
        }
        fn acknowledge(&self) -> Waiting<'_, ()> {
            Box::pin(std::future::ready(()))
        }
    }

    fn download() -> NewJob {
        let transfer = Transfer::Download {
            from: "https://example.org/a".parse().unwrap(),
            into: "/downloads".into(),
            name: None,
        };
        let (wish, created) = (Wish::Run, Timestamp::from_unix_ms(0));
        NewJob { spec: JobSpec::new(transfer), wish, phase: Phase::Queued, created }
    }

    #[tokio::test]
    async fn what_was_committed_is_there_for_the_next_process_and_what_was_refused_is_not() {
        let volume = Arc::new(MayBeFull::default());
        let mut queue = MemoryQueue::new(Arc::clone(&volume) as Arc<dyn Volume>).unwrap();
        let store = queue.open();
        let kept = store.insert_jobs(vec![download(), download()]).await.unwrap();
        volume.0.store(true, SeqCst);
        assert!(matches!(store.insert_jobs(vec![download()]).await, Err(StoreError::Full { .. })));
        drop(store);
        let jobs = queue.open().jobs().await.unwrap();
        assert_eq!(jobs.iter().map(|job| (job.id, job.position)).collect::<Vec<_>>(), kept);
    }
}
