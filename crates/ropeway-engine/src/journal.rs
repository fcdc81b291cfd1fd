//! The order in which facts reach the store.
//!
//! Memory changes first, under the table's lock; the same lock covers the push into the journal, so the store sees
//! changes in the order in which they happened. One task writes them, many in one transaction, and answers whoever
//! waits for durability.

use ropeway_model::JobId;
use ropeway_store::{JobChange, Store, StoreError};
use tokio::sync::{mpsc, oneshot};

/// Most changes written in one transaction; more wait for the next one.
const MOST_AT_ONCE: usize = 4096;

/// A line in the journal.
enum Line {
    Save(Box<JobChange>),
    Remove(Vec<JobId>),
}

type Acknowledge = oneshot::Sender<Result<(), String>>;

/// Where changes are pushed; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    lines: mpsc::UnboundedSender<(Line, Option<Acknowledge>)>,
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
        drop(self.lines.send((Line::Save(Box::new(change)), None)));
    }

    /// Records a change and tells when it is durable.
    pub(crate) fn save(&self, change: JobChange) -> Durable {
        self.push(Line::Save(Box::new(change)))
    }

    /// Removes jobs and tells when that is durable.
    pub(crate) fn remove(&self, ids: Vec<JobId>) -> Durable {
        self.push(Line::Remove(ids))
    }

    fn push(&self, line: Line) -> Durable {
        let (acknowledge, receipt) = oneshot::channel();
        drop(self.lines.send((line, Some(acknowledge))));
        Durable(receipt)
    }
}

async fn write(store: Store, mut lines: mpsc::UnboundedReceiver<(Line, Option<Acknowledge>)>) {
    let mut batch = Vec::new();
    while lines.recv_many(&mut batch, MOST_AT_ONCE).await > 0 {
        let mut saves = Vec::new();
        let mut waiting = Vec::new();
        for (line, acknowledge) in batch.drain(..) {
            match line {
                Line::Save(change) => {
                    saves.push(*change);
                    waiting.extend(acknowledge);
                }
                Line::Remove(ids) => {
                    flush(&store, &mut saves, &mut waiting).await;
                    answer(acknowledge, &store.remove_jobs(ids).await);
                }
            }
        }
        flush(&store, &mut saves, &mut waiting).await;
    }
}

async fn flush(store: &Store, saves: &mut Vec<JobChange>, waiting: &mut Vec<Acknowledge>) {
    if saves.is_empty() {
        return;
    }
    let changes = std::mem::take(saves);
    let mut result = store.save(changes.clone()).await;
    if result.is_err() && changes.len() > 1 {
        // One change that cannot be saved must not take the others of its transaction with it.
        result = Ok(());
        for change in changes {
            result = result.and(store.save(vec![change]).await);
        }
    }
    answer(waiting.drain(..), &result);
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
