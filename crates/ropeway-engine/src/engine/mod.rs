//! The engine: what it is opened with, what it is made of, how it stops.

mod add;
mod control;
mod error;
mod observe;
mod recover;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use parking_lot::Mutex;
use ropeway_drivers::{Clients, Drivers};
use ropeway_model::{ByteRate, Connections};
use ropeway_store::Store;
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use control::Change;
pub use error::EngineError;

use crate::{
    clock::{Clock, SystemClock},
    disk::{Disk, LocalDisk},
    journal::Journal,
    scheduler,
    table::{Entry, Table},
    throttle::Bucket,
};

/// The three seams to the outside.
#[derive(Clone, Debug)]
pub struct Seams {
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// The file system.
    pub disk: Arc<dyn Disk>,
    /// The network protocols.
    pub drivers: Drivers,
}

impl Default for Seams {
    /// The operating system's clock and file system, and the real protocols.
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), disk: Arc::new(LocalDisk), drivers: Drivers::default() }
    }
}

/// Which jobs an engine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All jobs of the store. The caller sees to it that no other process does.
    Queue,
    /// Only jobs added to this engine, in a store that several processes share.
    Once,
}

/// Which finished files get a SHA-256 even where nothing is there to compare it with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestPolicy {
    /// Every file.
    EveryFile,
    /// Only where the user or the server gave one.
    WhereGiven,
}

/// Limits that may change while jobs run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Jobs that may run at once.
    pub running_jobs: usize,
    /// Connections of a download that does not choose.
    pub connections: Connections,
    /// All downloads together.
    pub download: Option<ByteRate>,
    /// All uploads together.
    pub upload: Option<ByteRate>,
}

/// What an engine is opened with.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The queue's database file; `None` keeps the queue in memory.
    pub database: Option<PathBuf>,
    /// Which jobs it runs.
    pub scope: Scope,
    /// Which files are hashed.
    pub digests: DigestPolicy,
    /// The limits at the start.
    pub limits: Limits,
}

/// A running engine; cheap to clone, all clones are the same engine.
#[derive(Clone, Debug)]
pub struct Engine {
    inner: Arc<Inner>,
    /// The journal's writing task, joined by the shutdown.
    writer: Arc<Mutex<Option<tokio::task::JoinHandle<()>>>>,
}

/// What all parts of the engine share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) drivers: Drivers,
    pub(crate) clients: Clients,
    pub(crate) table: Mutex<Table>,
    pub(crate) journal: Journal,
    pub(crate) scope: Scope,
    pub(crate) digests: DigestPolicy,
    pub(crate) running_jobs: AtomicUsize,
    pub(crate) connections: Mutex<Connections>,
    pub(crate) downloads: Arc<Bucket>,
    pub(crate) uploads: Arc<Bucket>,
    /// Wakes the scheduler.
    pub(crate) wake: Notify,
    /// Wakes whoever publishes changes.
    pub(crate) changed: Notify,
    /// Wakes whoever waits for an attempt to end.
    pub(crate) settled: Notify,
    /// Fires once, when the engine stops.
    pub(crate) stopping: CancellationToken,
    pub(crate) tasks: TaskTracker,
    /// Unfinished jobs of earlier processes that an added job may take up, in [`Scope::Once`].
    pub(crate) leftovers: Mutex<Vec<ropeway_store::JobRow>>,
}

impl Engine {
    /// Opens the store, recovers what an earlier process left, and starts the scheduler.
    ///
    /// # Errors
    /// [`EngineError::Store`] if the database cannot be opened or read.
    pub async fn open(seams: Seams, config: EngineConfig) -> Result<Self, EngineError> {
        let store = match &config.database {
            Some(path) => Store::open(path).await?,
            None => Store::in_memory().await?,
        };
        let (journal, writer) = Journal::start(store.clone());
        let inner = Arc::new(Inner {
            store,
            clock: seams.clock,
            disk: seams.disk,
            drivers: seams.drivers,
            clients: Clients::default(),
            table: Mutex::default(),
            journal,
            scope: config.scope,
            digests: config.digests,
            running_jobs: AtomicUsize::new(config.limits.running_jobs),
            connections: Mutex::new(config.limits.connections),
            downloads: Arc::new(Bucket::new(config.limits.download)),
            uploads: Arc::new(Bucket::new(config.limits.upload)),
            wake: Notify::new(),
            changed: Notify::new(),
            settled: Notify::new(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            leftovers: Mutex::default(),
        });
        recover::run(&inner).await?;
        tokio::spawn(scheduler::run(Arc::clone(&inner)));
        Ok(Self { inner, writer: Arc::new(Mutex::new(Some(writer))) })
    }

    /// Changes the limits of all jobs together; running ones follow at once.
    pub fn set_limits(&self, limits: Limits) {
        self.inner.running_jobs.store(limits.running_jobs, SeqCst);
        *self.inner.connections.lock() = limits.connections;
        self.inner.downloads.set_rate(limits.download);
        self.inner.uploads.set_rate(limits.upload);
        self.inner.wake.notify_one();
    }

    /// Stops every transfer, makes what they have durable, and closes the store. Idempotent.
    pub async fn shutdown(&self) {
        self.inner.stopping.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        let writer = self.writer.lock().take();
        if writer.is_none() {
            return;
        }
        if let Err(error) = self.inner.store.clone().close().await {
            tracing::error!(%error, "the queue could not be closed");
        }
        self.inner.changed.notify_one();
    }
}

impl Inner {
    /// Deletes what a given-up download had.
    pub(crate) fn discard_part(&self, entry: &Entry) {
        if let Some(part) = &entry.part_path
            && let Err(error) = self.disk.remove(part)
        {
            tracing::warn!(job = %entry.id, %error, "part file not removed");
        }
    }
}
