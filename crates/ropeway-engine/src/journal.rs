//! The order in which facts reach the store.
//!
//! Memory changes first, under the table's lock; the same lock covers the push into the journal, so the store sees
//! changes in the order in which they happened. One task writes them, many in one transaction, and answers whoever
//! waits for durability.

use std::sync::Arc;

use ropeway_model::JobId;
use ropeway_store::{Edit, JobChange, Store, StoreError};
use tokio::sync::{mpsc, oneshot};

/// Most changes written in one transaction; more wait for the next one.
const MOST_AT_ONCE: usize = 4096;

type Acknowledge = oneshot::Sender<Result<(), String>>;

/// Where changes are pushed; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    lines: mpsc::UnboundedSender<(Edit, Option<Acknowledge>)>,
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
    /// Starts the writing task; it ends when every clone of the journal is gone.
    pub(crate) fn start(store: Store) -> (Self, tokio::task::JoinHandle<()>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self { lines: sender }, tokio::spawn(write(store, receiver)))
    }

    /// Records a change nobody waits for.
    pub(crate) fn note(&self, change: JobChange) {
        // The receiver ends only after the last sender; a closed channel means that the process is ending.
        drop(self.lines.send((Edit::Save(Box::new(change)), None)));
    }

    /// Records a change and tells when it is durable.
    pub(crate) fn save(&self, change: JobChange) -> Durable {
        self.push(Edit::Save(Box::new(change)))
    }

    /// Removes jobs and tells when that is durable.
    pub(crate) fn remove(&self, ids: Vec<JobId>) -> Durable {
        self.push(Edit::Remove(ids))
    }

    fn push(&self, line: Edit) -> Durable {
        let (acknowledge, receipt) = oneshot::channel();
        drop(self.lines.send((line, Some(acknowledge))));
        Durable(receipt)
    }
}

async fn write(store: Store, mut lines: mpsc::UnboundedReceiver<(Edit, Option<Acknowledge>)>) {
    let mut batch = Vec::new();
    while lines.recv_many(&mut batch, MOST_AT_ONCE).await > 0 {
        let (edits, waiting): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
        let edits: Arc<[Edit]> = edits.into();
        let mut result = store.apply(Arc::clone(&edits)).await;
        if result.is_err() && edits.len() > 1 {
            // One change that cannot be saved must not take the others of its transaction with it.
            result = Ok(());
            for edit in edits.iter() {
                result = result.and(store.apply(Arc::new([edit.clone()])).await);
            }
        }
        answer(waiting.into_iter().flatten(), &result);
    }
}

fn answer(waiting: impl IntoIterator<Item = Acknowledge>, result: &Result<(), StoreError>) {
    if let Err(error) = result {
        tracing::error!(%error, "the queue could not be written");
    }
    for acknowledge in waiting {
        // Whoever no longer waits does not mind.
        drop(acknowledge.send(result.as_ref().map(|&()| ()).map_err(ToString::to_string)));
    }
}
