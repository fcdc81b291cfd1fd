//! The one thread that owns the connection: it takes commands in order and commits writes in groups.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use crate::{StoreError, error::Fault};

/// Commands that may wait for the thread; more callers wait for a place. Ten times the jobs that run at once.
pub(crate) const QUEUE_LIMIT: usize = 256;

/// Writes that share one commit at most, so that the first of them is not kept waiting without end.
const GROUP_LIMIT: usize = 64;

/// What the thread is asked to do.
pub(crate) enum Command {
    /// Look; sees everything that was acknowledged before it was sent.
    Read(Box<dyn FnOnce(&Connection) + Send>),
    /// Change; acknowledged when durable.
    Write(Box<dyn Write>),
    /// Carry out what is queued, then close the file and say so.
    Close(oneshot::Sender<Result<(), StoreError>>),
}

/// A change that waits for its commit.
pub(crate) trait Write: Send {
    /// Makes the change, not durable yet. On an error nothing of it may stay.
    fn run(&mut self, connection: &Connection, path: &Path) -> Result<(), StoreError>;
    /// Tells the caller, once the fate of the group is known.
    fn reply(self: Box<Self>, committed: Result<(), StoreError>);
}

/// A [`Write`] from a closure and its caller's ear.
pub(crate) struct PendingWrite<W, T> {
    work: Option<W>,
    outcome: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<W, T> PendingWrite<W, T> {
    pub(crate) const fn new(work: W, reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self { work: Some(work), outcome: None, reply }
    }
}

impl<W, T> Write for PendingWrite<W, T>
where
    W: FnOnce(&Connection) -> Result<T, Fault> + Send,
    T: Send,
{
    fn run(&mut self, connection: &Connection, path: &Path) -> Result<(), StoreError> {
        let Some(work) = self.work.take() else { return Ok(()) };
        let outcome = work(connection).map_err(|fault| fault.at(path));
        let told = outcome.as_ref().map(|_| ()).map_err(Clone::clone);
        self.outcome = Some(outcome);
        told
    }

    fn reply(self: Box<Self>, committed: Result<(), StoreError>) {
        let answer = match (self.outcome, committed) {
            (Some(Err(own)), _) => Err(own),
            (_, Err(shared)) => Err(shared),
            (Some(done), Ok(())) => done,
            // Not run although the group was committed: the sender is dropped, which the caller sees as closed.
            (None, Ok(())) => return,
        };
        // A caller that has gone away does not want to know; the change stays.
        let _ = self.reply.send(answer);
    }
}

/// Serves `commands` until the last sender is gone or a [`Command::Close`] has come and the queue is empty.
pub(crate) fn serve(mut connection: Connection, path: &Path, commands: &mut mpsc::Receiver<Command>) {
    let mut closing = Vec::new();
    let mut carried = None;
    while let Some(command) = carried.take().or_else(|| commands.blocking_recv()) {
        match command {
            Command::Read(read) => read(&connection),
            Command::Write(first) => carried = commit_group(&mut connection, path, first, commands),
            Command::Close(reply) => {
                commands.close();
                closing.push(reply);
            }
        }
    }
    let closed = close(connection).map_err(|error| Fault::from(error).at(path));
    for reply in closing {
        let _ = reply.send(closed.clone());
    }
}

/// Moves the write-ahead log into the file. Where another process reads it at this moment, that process does it later.
fn close(connection: Connection) -> rusqlite::Result<()> {
    connection.flush_prepared_statement_cache();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    connection.close().map_err(|(_, error)| error)
}

/// Runs `first` and the writes queued right behind it in one transaction, and tells all callers once it is durable.
/// Returns the command that ended the group, if one did.
fn commit_group(
    connection: &mut Connection,
    path: &Path,
    first: Box<dyn Write>,
    commands: &mut mpsc::Receiver<Command>,
) -> Option<Command> {
    let mut group = vec![first];
    let mut next = None;
    let more = || match commands.try_recv() {
        Ok(Command::Write(write)) => Some(write),
        Ok(other) => {
            next = Some(other);
            None
        }
        Err(_) => None,
    };
    let committed = run_group(connection, path, &mut group, more);
    tracing::trace!(writes = group.len(), committed = committed.is_ok(), "group committed");
    for write in group {
        write.reply(committed.clone());
    }
    next
}

/// Commits the writes of `group`, joined by those that `more` yields until it has none.
pub(crate) fn run_group(
    connection: &mut Connection,
    path: &Path,
    group: &mut Vec<Box<dyn Write>>,
    mut more: impl FnMut() -> Option<Box<dyn Write>>,
) -> Result<(), StoreError> {
    let fail = |error: rusqlite::Error| Fault::from(error).at(path);
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
    let mut ran = 0;
    while let Some(write) = group.get_mut(ran) {
        run_alone(&mut transaction, path, write.as_mut())?;
        ran += 1;
        if ran < GROUP_LIMIT && ran == group.len() {
            group.extend(more());
        }
    }
    transaction.commit().map_err(fail)
}

/// Runs one write so that its failure leaves the others of the group as they are.
///
/// # Errors
/// Only when the whole transaction is lost, as on a full disk; a refusal of this write alone is in the write.
fn run_alone(transaction: &mut Transaction<'_>, path: &Path, write: &mut dyn Write) -> Result<(), StoreError> {
    let fail = |error: rusqlite::Error| Fault::from(error).at(path);
    let mut savepoint = transaction.savepoint().map_err(fail)?;
    match write.run(&savepoint, path) {
        Ok(()) => savepoint.commit().map_err(fail),
        Err(error) if savepoint.is_autocommit() => Err(error),
        Err(_) => {
            savepoint.rollback().map_err(fail)?;
            savepoint.commit().map_err(fail)
        }
    }
}
