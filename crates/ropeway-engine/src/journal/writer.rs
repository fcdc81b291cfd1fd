//! Writer of the journal. It takes many changes in one transaction, and those that were refused again and again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use ropeway_store::{Edit, Store, StoreError};
use tokio::sync::{Notify, mpsc};

use super::{Acknowledge, JournalEntry, MOST_WAITING, backlog::Backlog};

/// Most changes written in one transaction; more wait for the next one.
const MOST_AT_ONCE: usize = 4096;
/// What may wait is held back for others this long at most: two thousand small files are then some ten transactions.
const GATHER: Duration = Duration::from_millis(200);
/// What was refused is tried again this soon at first.
const FIRST_DELAY: Duration = Duration::from_secs(1);
/// And this seldom at last: a volume that has room again is found within this time.
const LONGEST_DELAY: Duration = Duration::from_secs(15);

pub(super) struct Writer {
    store: Store,
    backlog: Backlog,
    /// How long what was refused rests.
    delay: Duration,
    /// Entries that nobody has taken.
    waiting: Arc<AtomicUsize>,
    is_behind: Arc<AtomicBool>,
    caught_up: Arc<Notify>,
}

impl Writer {
    pub(super) fn new(
        store: Store,
        waiting: Arc<AtomicUsize>,
        is_behind: Arc<AtomicBool>,
        caught_up: Arc<Notify>,
    ) -> Self {
        Self { store, backlog: Backlog::default(), delay: FIRST_DELAY, waiting, is_behind, caught_up }
    }

    /// Writes what comes until nothing can come any more.
    pub(super) async fn run(mut self, mut entries: mpsc::UnboundedReceiver<JournalEntry>) {
        let mut batch = Vec::new();
        loop {
            let rest = tokio::time::sleep(self.delay);
            let count = tokio::select! {
                biased;
                count = entries.recv_many(&mut batch, MOST_AT_ONCE) => count,
                () = rest, if !self.backlog.is_empty() => {
                    self.delay = (self.delay * 2).min(LONGEST_DELAY);
                    drop(self.try_again().await);
                    continue;
                }
            };
            if count == 0 {
                return;
            }
            gather(&mut entries, &mut batch).await;
            let before = self.waiting.fetch_sub(batch.len(), SeqCst);
            self.write(batch.drain(..)).await;
            if before > MOST_WAITING {
                self.caught_up.notify_one();
            }
        }
    }

    async fn write(&mut self, entries: impl Iterator<Item = JournalEntry>) {
        let (edits, waiting): (Vec<Option<Edit>>, Vec<Option<Acknowledge>>) =
            entries.map(|entry| (entry.edit, entry.acknowledge)).unzip();
        let has_edit: Vec<bool> = edits.iter().map(Option::is_some).collect();
        let edits: Vec<Edit> = edits.into_iter().flatten().collect();
        let written = if self.backlog.is_empty() {
            self.apply(edits).await
        } else {
            for edit in edits {
                self.backlog.keep(edit);
            }
            self.try_again().await
        };
        let mut alone = written.alone.into_iter();
        for (has_edit, acknowledge) in has_edit.into_iter().zip(waiting) {
            let own = if has_edit { alone.next() } else { None };
            let Some(acknowledge) = acknowledge else { continue };
            // Whoever no longer waits does not mind.
            drop(acknowledge.send(own.unwrap_or_else(|| written.all.clone())));
        }
    }

    /// Tries everything that was refused, in one transaction: of what a job went through meanwhile no half must remain.
    async fn try_again(&mut self) -> Written {
        let edits = self.backlog.edits();
        self.backlog.clear();
        self.apply(edits).await
    }

    /// Writes changes, and keeps those that are refused for a reason that may pass.
    async fn apply(&mut self, edits: Vec<Edit>) -> Written {
        let mut alone = Vec::new();
        if edits.is_empty() {
            return Written { all: Ok(()), alone };
        }
        let edits: Arc<[Edit]> = edits.into();
        let mut result = self.store.apply(Arc::clone(&edits)).await;
        match &result {
            Ok(()) => {}
            Err(error) if error.may_pass() => edits.iter().for_each(|edit| self.backlog.keep(edit.clone())),
            // One change that cannot be saved must not take the others of its transaction with it.
            Err(_) if edits.len() > 1 => {
                result = Ok(());
                for edit in edits.iter() {
                    let own = self.apply_alone(edit).await;
                    alone.push(own.as_ref().map_err(told).copied());
                    result = result.and(own);
                }
            }
            Err(_) => {}
        }
        self.tell(&result);
        Written { all: result.map_err(|error| told(&error)), alone }
    }

    async fn apply_alone(&mut self, edit: &Edit) -> Result<(), StoreError> {
        let result = self.store.apply(Arc::new([edit.clone()])).await;
        if result.as_ref().is_err_and(StoreError::may_pass) {
            self.backlog.keep(edit.clone());
        }
        result
    }

    /// Says whether the store has everything.
    fn tell(&mut self, result: &Result<(), StoreError>) {
        let (is_behind, kept) = (!self.backlog.is_empty(), self.backlog.len());
        if let Err(error) = result {
            tracing::error!(%error, kept, "the queue could not be written");
        }
        let was_behind = self.is_behind.swap(is_behind, SeqCst);
        if is_behind {
            return;
        }
        self.delay = FIRST_DELAY;
        if was_behind {
            tracing::info!("the queue has everything again");
            self.caught_up.notify_one();
        }
    }
}

/// What became of the changes of one transaction.
struct Written {
    all: Result<(), String>,
    /// Of each change by itself, where one of them kept the others from being written together.
    alone: Vec<Result<(), String>>,
}

/// Why a change is not written, for whoever waits for it.
fn told(error: &StoreError) -> String {
    if error.may_pass() { format!("{error}; it is tried again") } else { error.to_string() }
}

/// Waits for more while all that has come may wait.
async fn gather(entries: &mut mpsc::UnboundedReceiver<JournalEntry>, batch: &mut Vec<JournalEntry>) {
    let mut enough = std::pin::pin!(tokio::time::sleep(GATHER));
    let mut seen = 0;
    while batch.len() < MOST_AT_ONCE && batch.iter().skip(seen).all(|entry| entry.may_wait) {
        seen = batch.len();
        let count = tokio::select! {
            biased;
            count = entries.recv_many(batch, MOST_AT_ONCE - seen) => count,
            () = &mut enough => return,
        };
        if count == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use ropeway_model::JobId;

    use super::*;

    fn entry(may_wait: bool) -> JournalEntry {
        JournalEntry { edit: Some(Edit::Remove(vec![JobId::from_row(1)])), acknowledge: None, may_wait }
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_wait_is_written_with_what_comes_soon_and_holds_nothing_else_up() {
        let (sender, mut entries) = mpsc::unbounded_channel();
        let mut batch = vec![entry(true)];
        let later = tokio::spawn(async move {
            for pause in [50, 50, 500] {
                tokio::time::sleep(Duration::from_millis(pause)).await;
                sender.send(entry(true)).unwrap();
            }
            sender.send(entry(false)).unwrap();
            sender
        });
        let start = tokio::time::Instant::now();
        gather(&mut entries, &mut batch).await;
        assert_eq!((batch.len(), start.elapsed()), (3, GATHER));
        let _sender = later.await.unwrap();
        let (mut batch, start) = (vec![entry(true)], tokio::time::Instant::now());
        gather(&mut entries, &mut batch).await;
        assert_eq!((batch.len(), start.elapsed()), (3, Duration::ZERO), "somebody waits for one of them");
        let mut batch = vec![entry(false)];
        gather(&mut entries, &mut batch).await;
        assert_eq!((batch.len(), start.elapsed()), (1, Duration::ZERO));
    }
}
