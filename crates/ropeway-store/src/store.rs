//! The handle of the durable queue.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use ropeway_model::{JobId, SavedTargetId, SegmentMap, Timestamp, UploadTarget};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    Block, HostRow, JobChange, JobRow, NewJob, PartFileState, SavedTarget, StoreError, UploadState, connection,
    edit::Edit,
    error::Fault,
    memory::MemoryQueue,
    table::{block, host, job, log, part_file, segment, target, upload},
    writer::{self, Command, PendingWrite, QUEUE_LIMIT},
};

/// Stands for the file in the messages of a queue that has none.
pub(crate) const IN_MEMORY: &str = ":memory:";

/// The durable queue. A clone is another handle of the same queue.
///
/// A write that returned `Ok` survives a kill and a power cut; one that returned an error left nothing behind. A caller
/// that stops waiting for an answer does not take its write back. Reads see every write acknowledged before them.
/// When the last handle goes, what was accepted is still carried out; [`Store::close`] waits for that.
#[derive(Clone, Debug)]
pub struct Store {
    worker: Worker,
    path: Arc<Path>,
}

/// Who carries the calls out.
#[derive(Clone, Debug)]
enum Worker {
    /// A thread of the store's own.
    Thread(Thread),
    /// The callers.
    Callers(MemoryQueue),
}

#[derive(Clone, Debug)]
struct Thread {
    commands: mpsc::Sender<Command>,
    /// Its sender lives as long as the thread.
    running: watch::Receiver<()>,
    handle: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Store {
    /// Opens the queue at `path`, or creates it, with permissions for its owner only (0600 on Unix). The folder must
    /// exist. Other handles and other processes may have the same file open; a call waits up to 10 s for them.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`] if a later Ropeway has written it, [`StoreError::NotAQueue`] if something else has,
    /// [`StoreError::Open`] if the file cannot be created or opened.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::start(path.into(), connection::open).await
    }

    /// A queue without a file, for tests.
    pub async fn in_memory() -> Result<Self, StoreError> {
        Self::start(Path::new(IN_MEMORY).into(), connection::open_in_memory).await
    }

    /// A queue that its callers work on.
    pub(crate) fn over(queue: MemoryQueue) -> Self {
        Self { worker: Worker::Callers(queue), path: Path::new(IN_MEMORY).into() }
    }

    async fn start(
        path: Arc<Path>,
        open: impl FnOnce(&Path) -> Result<Connection, StoreError> + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (commands, mut queue) = mpsc::channel(QUEUE_LIMIT);
        let (alive, running) = watch::channel(());
        let (opened, opening) = oneshot::channel();
        let file = Arc::clone(&path);
        let body = move || {
            let connection = open(&file);
            let told = connection.as_ref().map(|_| ()).map_err(Clone::clone);
            if opened.send(told).is_ok()
                && let Ok(connection) = connection
            {
                writer::serve(connection, &file, &mut queue);
            }
            // Last, so that whoever sees it knows that no answer comes any more.
            drop((queue, alive));
        };
        let thread = thread::Builder::new()
            .name("ropeway-store".to_owned())
            .spawn(body)
            .map_err(|source: io::Error| StoreError::Open { path: path.to_path_buf(), source: Arc::new(source) })?;
        let handle = Arc::new(Mutex::new(Some(thread)));
        let store = Self { worker: Worker::Thread(Thread { commands, running, handle }), path };
        opening.await.unwrap_or_else(|_| Err(store.closed()))?;
        Ok(store)
    }

    /// Appends jobs to the end of the list, all in one transaction, and returns their numbers and positions in
    /// the same order. A number is never given twice, not even after its job was removed. The jobs are asked for one by
    /// one as they are written, so that many need not be in memory at once.
    pub async fn insert_jobs<J>(&self, jobs: J) -> Result<Vec<(JobId, i64)>, StoreError>
    where
        J: IntoIterator<Item = NewJob> + Send + 'static,
    {
        self.write(move |connection| job::insert(connection, jobs)).await
    }

    /// All jobs in the order of the list.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if a row cannot be what was written.
    pub async fn jobs(&self) -> Result<Vec<JobRow>, StoreError> {
        self.fold_jobs(Vec::new(), Vec::push).await
    }

    /// All jobs in the order of the list, put into `all` one by one as they are read: a row takes several times what
    /// most readers keep of it.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if a row cannot be what was written.
    pub async fn fold_jobs<T: Send + 'static>(
        &self,
        mut all: T,
        mut put: impl FnMut(&mut T, JobRow) + Send + 'static,
    ) -> Result<T, StoreError> {
        self.read(move |connection| job::each(connection, |row| put(&mut all, row)).map(|()| all)).await
    }

    /// Makes all the changes in one transaction, or none of them.
    ///
    /// # Errors
    /// [`StoreError::NoSuchJob`] if one of the jobs is not in the queue.
    pub async fn save(&self, changes: Vec<JobChange>) -> Result<(), StoreError> {
        let edits: Vec<_> = changes.into_iter().map(|change| Edit::Save(Box::new(change))).collect();
        self.apply(edits.into()).await
    }

    /// Changes and removes jobs in the order given, in one transaction. All of it is durable when this returns, or none.
    ///
    /// # Errors
    /// [`StoreError::NoSuchJob`] if a job that changes is not in the queue at that moment.
    pub async fn apply(&self, edits: Arc<[Edit]>) -> Result<(), StoreError> {
        self.write(move |connection| edits.iter().try_for_each(|edit| edit.apply(connection))).await
    }

    /// The segments of a job as last saved, neighbours without a gap joined; `None` when it has none, which is also what
    /// the map of an empty file reads as.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if the rows are no cover of a file.
    pub async fn segments(&self, job: JobId) -> Result<Option<SegmentMap>, StoreError> {
        self.read(move |connection| segment::read(connection, job)).await
    }

    /// The block digests of a job's file, in the order of the file.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if a row cannot be what was written.
    pub async fn blocks(&self, job: JobId) -> Result<Vec<Block>, StoreError> {
        self.read(move |connection| block::read(connection, job)).await
    }

    /// What was last saved of a job's part file.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if the row cannot be what was written.
    pub async fn part_file(&self, job: JobId) -> Result<Option<PartFileState>, StoreError> {
        self.read(move |connection| part_file::read(connection, job)).await
    }

    /// What was last saved of a job's upload.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if the row cannot be what was written.
    pub async fn upload(&self, job: JobId) -> Result<Option<UploadState>, StoreError> {
        self.read(move |connection| upload::read(connection, job)).await
    }

    /// The uploads that servers hold the beginning of.
    pub async fn uploads(&self) -> Result<Vec<(JobId, UploadState)>, StoreError> {
        self.read(upload::all).await
    }

    /// What happened to a job, oldest first; the last [`crate::LOG_LINES`] lines.
    pub async fn log(&self, job: JobId) -> Result<Vec<(Timestamp, String)>, StoreError> {
        self.read(move |connection| log::read(connection, job)).await
    }

    /// Takes jobs off the list with their segments and logs. Numbers that are not in it are skipped.
    pub async fn remove_jobs(&self, ids: Vec<JobId>) -> Result<(), StoreError> {
        self.write(move |connection| job::remove(connection, &ids)).await
    }

    /// Moves jobs, in the order given, right before the job `before`, or to the end. Returns every job whose position
    /// changed with its new one; usually those are the moved jobs alone.
    ///
    /// # Errors
    /// [`StoreError::NoSuchJob`] if one of the jobs, or `before`, is not in the queue.
    pub async fn move_jobs(&self, ids: Vec<JobId>, before: Option<JobId>) -> Result<Vec<(JobId, i64)>, StoreError> {
        self.write(move |connection| job::order::relocate(connection, &ids, before)).await
    }

    /// The servers that were seen since a moment, in the order of their names.
    pub async fn hosts(&self, since: Timestamp) -> Result<Vec<HostRow>, StoreError> {
        self.read(move |connection| host::since(connection, since)).await
    }

    /// Saves what was learned of servers, and forgets those that were not seen since a moment.
    pub async fn save_hosts(&self, rows: Vec<HostRow>, since: Timestamp) -> Result<(), StoreError> {
        self.write(move |connection| host::save(connection, &rows, since)).await
    }

    /// The saved upload targets in the order of their names.
    pub async fn targets(&self) -> Result<Vec<SavedTarget>, StoreError> {
        self.read(target::all).await
    }

    /// Saves an upload target; a target of the same name takes the new address and keeps its number.
    pub async fn save_target(&self, name: String, target: UploadTarget) -> Result<SavedTarget, StoreError> {
        self.write(move |connection| target::save(connection, name, target)).await
    }

    /// Forgets a saved upload target; `false` if there was none.
    pub async fn remove_target(&self, id: SavedTargetId) -> Result<bool, StoreError> {
        self.write(move |connection| target::remove(connection, id)).await
    }

    /// Carries out what was accepted, moves the write-ahead log into the file and ends the thread. Other handles of the
    /// queue answer [`StoreError::Closed`] from then on.
    pub async fn close(self) -> Result<(), StoreError> {
        let Worker::Thread(worker) = &self.worker else { return Ok(()) };
        let (reply, answer) = oneshot::channel();
        let closed = self.call(worker, Command::Close(reply), answer).await;
        let mut running = worker.running.clone();
        while running.changed().await.is_ok() {}
        let thread = worker.handle.lock().unwrap_or_else(PoisonError::into_inner).take();
        // The thread has dropped its last value, so this does not block. A panic in it was told as closed.
        let ended = thread.is_none_or(|thread| thread.join().is_ok());
        if ended { closed } else { Err(self.closed()) }
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let worker = match &self.worker {
            Worker::Thread(worker) => worker,
            Worker::Callers(queue) => return queue.read(&self.path, work).await,
        };
        let (reply, answer) = oneshot::channel();
        let path = Arc::clone(&self.path);
        let read = Box::new(move |connection: &Connection| {
            // A caller that has gone away does not want to know.
            let _ = reply.send(work(connection).map_err(|fault| fault.at(&path)));
        });
        self.call(worker, Command::Read(read), answer).await
    }

    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let write = Box::new(PendingWrite::new(work, reply));
        match &self.worker {
            Worker::Thread(worker) => self.call(worker, Command::Write(write), answer).await,
            Worker::Callers(queue) => {
                queue.write(&self.path, write).await;
                answer.await.unwrap_or_else(|_| Err(self.closed()))
            }
        }
    }

    /// Sends a command and waits for its answer, or for the end of the thread.
    async fn call<T>(
        &self,
        worker: &Thread,
        command: Command,
        mut answer: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        worker.commands.send(command).await.map_err(|_| self.closed())?;
        let mut running = worker.running.clone();
        tokio::select! {
            biased;
            told = &mut answer => told.unwrap_or_else(|_| Err(self.closed())),
            // A command that was sent while the thread ended may lie in the queue for ever.
            _ = running.changed() => answer.try_recv().unwrap_or_else(|_| Err(self.closed())),
        }
    }

    fn closed(&self) -> StoreError {
        StoreError::Closed { path: self.path.to_path_buf() }
    }
}

#[cfg(test)]
mod tests {
    use ropeway_model::{FailureCode, JobSpec, Phase, Transfer, Wish};

    use super::*;

    fn downloads(count: usize) -> Vec<NewJob> {
        let transfer = Transfer::Download {
            from: "https://example.org/a".parse().unwrap(),
            into: "/downloads".into(),
            name: None,
        };
        let (wish, created) = (Wish::Run, Timestamp::from_unix_ms(0));
        vec![NewJob { spec: JobSpec::new(transfer), wish, phase: Phase::Queued, created }; count]
    }

    #[tokio::test]
    async fn a_panic_of_the_thread_is_a_closed_queue_for_all_who_wait_and_who_come() {
        let store = Store::in_memory().await.unwrap();
        let waiting: Vec<_> = (0..5)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    if number == 0 {
                        store.write(|_| -> Result<(), Fault> { panic!("a defect") }).await
                    } else {
                        store.insert_jobs(downloads(1)).await.map(drop)
                    }
                })
            })
            .collect();
        for answer in waiting {
            assert!(matches!(answer.await.unwrap(), Err(StoreError::Closed { .. })));
        }
        assert!(matches!(store.jobs().await, Err(StoreError::Closed { .. })));
        assert!(matches!(store.close().await, Err(StoreError::Closed { .. })));
    }

    #[tokio::test]
    async fn a_panic_takes_its_unfinished_change_back() {
        let folder = tempfile::tempdir().unwrap();
        let queue = folder.path().join("queue.db");
        let store = Store::open(&queue).await.unwrap();
        let kept = store.insert_jobs(downloads(1)).await.unwrap();
        let jobs = downloads(3);
        let defect = move |connection: &Connection| -> Result<(), Fault> {
            job::insert(connection, jobs)?;
            panic!("a defect")
        };
        assert!(matches!(store.write(defect).await, Err(StoreError::Closed { .. })));
        let jobs = Store::open(&queue).await.unwrap().jobs().await.unwrap();
        assert_eq!(jobs.iter().map(|job| (job.id, job.position)).collect::<Vec<_>>(), kept);
    }

    #[tokio::test]
    async fn a_full_volume_is_said_and_what_was_there_stays_and_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let queue = folder.path().join("queue.db");
        let tight = |path: &Path| {
            let connection = connection::open(path)?;
            connection.pragma_update(None, "max_page_count", 40).unwrap();
            Ok(connection)
        };
        let store = Store::start(queue.as_path().into(), tight).await.unwrap();
        let lock = Connection::open(&queue).unwrap();
        let kept = store.insert_jobs(downloads(5)).await.unwrap();
        // Held up by a lock, so that a small write shares the group of the one that is too large.
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        let together = [1, 2000].map(|count| {
            let store = store.clone();
            tokio::spawn(async move { store.insert_jobs(downloads(count)).await })
        });
        tokio::task::yield_now().await;
        lock.execute_batch("COMMIT").unwrap();
        for answer in together {
            let error = answer.await.unwrap().unwrap_err();
            assert!(matches!(error, StoreError::Full { .. }), "{error}");
            assert_eq!(error.code(), FailureCode::DiskFull);
        }
        assert_eq!(store.jobs().await.unwrap().iter().map(|job| (job.id, job.position)).collect::<Vec<_>>(), kept);
        store.insert_jobs(downloads(1)).await.unwrap();
        assert_eq!(store.jobs().await.unwrap().len(), 6);
    }
}
