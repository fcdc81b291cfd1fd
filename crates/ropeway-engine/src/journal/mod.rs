//! The order in which facts reach the store.
//!
//! Memory changes first, under the table's lock; the same lock covers the push into the journal, so the store sees
//! changes in the order in which they happened. One task writes them, many in one transaction, and answers whoever
//! waits for durability.
//!
//! Where the store refuses them for a reason that may pass, such as a full volume, whoever waits is told, and the changes
//! are kept and tried again: memory and store agree as soon as the store takes anything. Until then no job starts.

mod backlog;
mod writer;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use ropeway_model::{JobId, JobSpec, SafeUrl};
use ropeway_store::{Edit, JobChange, Store};
use tokio::sync::{Notify, mpsc, oneshot};

use writer::Writer;

/// Changes that may wait for the store before it counts as being behind: twice the jobs of the longest queue, all of which
/// one call may change. Then no job starts, those that run wait for their own checkpoints, and so does who calls.
const MOST_WAITING: usize = 200_000;

type Acknowledge = oneshot::Sender<Result<(), String>>;

/// What is pushed: a change, or only the question whether all before it is written.
#[derive(Debug)]
struct JournalEntry {
    edit: Option<Edit>,
    acknowledge: Option<Acknowledge>,
    /// Whether it may wait for others to be written with.
    may_wait: bool,
}

/// Where changes are pushed; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    entries: mpsc::UnboundedSender<JournalEntry>,
    /// How many of them the writer has not taken.
    waiting: Arc<AtomicUsize>,
    is_behind: Arc<AtomicBool>,
    secrets: Secrets,
}

/// Fate of logins, headers and the like of jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrets {
    /// They are stored with their job, which needs them after a restart.
    Kept,
    /// They are not stored: whoever takes the job up again brings them along.
    LeftOut,
}

impl Secrets {
    /// Specification of a job as it is stored.
    pub(crate) fn stored(self, spec: JobSpec) -> JobSpec {
        match self {
            Self::Kept => spec,
            Self::LeftOut => JobSpec::new(spec.transfer.without_login()),
        }
    }

    fn stored_change(self, mut change: JobChange) -> JobChange {
        if self == Self::LeftOut {
            change.spec = change.spec.map(|spec| self.stored(spec));
            if let Some(Some(remote)) = &mut change.remote {
                remote.url = SafeUrl::without_login(remote.url.expose().clone());
            }
        }
        change
    }
}

/// Resolves once a change is durable, or cannot be made so.
#[derive(Debug)]
pub(crate) struct Durable(oneshot::Receiver<Result<(), String>>);

impl Durable {
    /// Waits for durability.
    ///
    /// # Errors
    /// What the store says, without secrets.
    pub(crate) async fn wait(self) -> Result<(), String> {
        self.0.await.unwrap_or_else(|_| Err("the queue is closed".to_owned()))
    }
}

impl Journal {
    /// Starts the writing task. It ends when every clone of the journal is gone. `caught_up` is told when the store
    /// takes changes again that it had refused.
    pub(crate) fn start(store: Store, secrets: Secrets, caught_up: Arc<Notify>) -> (Self, tokio::task::JoinHandle<()>) {
        let (entries, receiver) = mpsc::unbounded_channel();
        let is_behind = Arc::new(AtomicBool::new(false));
        let waiting = Arc::new(AtomicUsize::new(0));
        let writer = Writer::new(store, Arc::clone(&waiting), Arc::clone(&is_behind), caught_up);
        (Self { entries, waiting, is_behind, secrets }, tokio::spawn(writer.run(receiver)))
    }

    /// Whether the store has refused changes that it does not have yet, or has too many to take.
    pub(crate) fn is_behind(&self) -> bool {
        self.is_behind.load(SeqCst) || self.waiting.load(SeqCst) > MOST_WAITING
    }

    /// Fate of jobs' secrets.
    pub(crate) const fn secrets(&self) -> Secrets {
        self.secrets
    }

    /// Records a change nobody waits for.
    pub(crate) fn note(&self, change: JobChange) {
        let edit = Edit::Save(Box::new(self.secrets.stored_change(change)));
        self.send(JournalEntry { edit: Some(edit), acknowledge: None, may_wait: false });
    }

    /// Records a change and tells when it is durable.
    pub(crate) fn save(&self, change: JobChange) -> Durable {
        self.push(Some(Edit::Save(Box::new(self.secrets.stored_change(change)))))
    }

    /// Removes jobs and tells when that is durable.
    pub(crate) fn remove(&self, ids: Vec<JobId>) -> Durable {
        self.push(Some(Edit::Remove(ids)))
    }

    /// Removes jobs some time soon, together with others. This is for rows that nothing is lost with, and that a crash
    /// may leave.
    pub(crate) fn forget(&self, ids: Vec<JobId>) {
        self.send(JournalEntry { edit: Some(Edit::Remove(ids)), acknowledge: None, may_wait: true });
    }

    /// Tells when everything that was pushed before is durable.
    pub(crate) fn settle(&self) -> Durable {
        self.push(None)
    }

    fn push(&self, edit: Option<Edit>) -> Durable {
        let (acknowledge, receipt) = oneshot::channel();
        self.send(JournalEntry { edit, acknowledge: Some(acknowledge), may_wait: false });
        Durable(receipt)
    }

    fn send(&self, entry: JournalEntry) {
        self.waiting.fetch_add(1, SeqCst);
        // The receiver ends only after the last sender; a closed channel means that the process is ending.
        drop(self.entries.send(entry));
    }
}

#[cfg(test)]
mod tests {
    use ropeway_model::{Phase, Timestamp, Transfer, Wish};
    use ropeway_store::NewJob;

    use super::*;

    #[tokio::test]
    async fn a_change_that_cannot_be_saved_is_told_to_whoever_waits_for_it_and_to_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("queue.db")).await.unwrap();
        let from = "http://example.org/a".parse().unwrap();
        let spec = JobSpec::new(Transfer::Download { from, into: "/d".into(), name: None });
        let job = NewJob { spec, wish: Wish::Run, phase: Phase::Queued, created: Timestamp::from_unix_ms(0) };
        let places = store.insert_jobs([job.clone(), job].into_iter()).await.unwrap();
        let (journal, _writing) = Journal::start(store, Secrets::Kept, Arc::default());
        let ids = [places[0].0, JobId::from_row(99), places[1].0];
        // All of them in one transaction.
        let waits = ids.map(|id| journal.save(JobChange { durable: Some(1), ..JobChange::new(id) }));
        let mut saved = Vec::new();
        for wait in waits {
            saved.push(wait.wait().await.is_ok());
        }
        assert_eq!(saved, [true, false, true]);
    }
}
