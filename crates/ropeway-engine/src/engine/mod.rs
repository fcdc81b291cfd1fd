//! The engine: how it opens and how it stops.

mod add;
mod change;
mod control;
mod document;
mod error;
mod new_jobs;
mod observe;
mod prove;
mod recover;
mod renew;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use parking_lot::Mutex;
use ropeway_model::Schedule;
use ropeway_store::Store;
use tokio::sync::{Notify, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use change::Change;
pub use error::EngineError;
pub use new_jobs::NewJobs;

use crate::{
    blocks::Courses,
    buffers::Buffers,
    config::{EngineConfig, Limits, Seams},
    core::Core,
    disk::Guard,
    hosts::{self, Hosts, ServerPolicy},
    journal::Journal,
    obstacles,
    schedule::{self, Timetable, Usual},
    scheduler, suspend,
    throttle::{Bucket, ServerLimits},
};

/// Whole files that are saved at once. Each takes a thread with a heap of its own, and what more of them gain is little.
const SAVES_AT_ONCE: usize = 4;

/// A running engine; cheap to clone, all clones are the same engine.
#[derive(Clone, Debug)]
pub struct Engine {
    core: Arc<Core>,
    /// The journal's writing task, joined by the shutdown.
    writer: Arc<Mutex<Option<tokio::task::JoinHandle<()>>>>,
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
        Self::start(store, seams, config).await
    }

    /// The same with a store that is open already, whatever [`EngineConfig::database`] names.
    ///
    /// # Errors
    /// [`EngineError::Store`] if the queue cannot be read.
    pub async fn start(store: Store, seams: Seams, config: EngineConfig) -> Result<Self, EngineError> {
        let wake = Arc::new(Notify::new());
        let (journal, writer) = Journal::start(store.clone(), Arc::clone(&wake));
        let (clock, chance) = (Arc::clone(&seams.clock), Arc::clone(&seams.chance));
        let hosts = Hosts::new(config.servers, clock, chance, Arc::clone(&wake));
        let core = Arc::new(Core {
            store,
            clock: seams.clock,
            disk: Arc::new(Guard(seams.disk)),
            drivers: seams.drivers,
            clients: seams.clients,
            blocking: seams.blocking,
            chance: seams.chance,
            routes: seams.routes,
            table: Mutex::default(),
            journal,
            scope: config.scope,
            digests: config.digests,
            running_jobs: AtomicUsize::new(config.limits.running_jobs),
            connections: Mutex::new(config.limits.connections),
            buffers: Buffers::default(),
            saves: Semaphore::new(SAVES_AT_ONCE),
            downloads: Arc::new(Bucket::new(None)),
            uploads: Arc::new(Bucket::new(None)),
            server_limits: ServerLimits::default(),
            timetable: Timetable::default(),
            hosts,
            wake,
            blocked: Notify::new(),
            started: Notify::new(),
            changed: Notify::new(),
            settled: Notify::new(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            leftovers: Mutex::default(),
            proofs: Courses::default(),
        });
        core.set_schedule(config.schedule);
        core.set_usual_limits(Usual { download: config.limits.download, upload: config.limits.upload });
        core.recall_hosts().await;
        recover::run(&core).await?;
        tokio::spawn(schedule::run(Arc::clone(&core)));
        tokio::spawn(hosts::memory::run(Arc::clone(&core)));
        tokio::spawn(obstacles::run(Arc::clone(&core)));
        tokio::spawn(suspend::run(Arc::clone(&core)));
        tokio::spawn(scheduler::run(Arc::clone(&core)));
        Ok(Self { core, writer: Arc::new(Mutex::new(Some(writer))) })
    }

    /// Changes the limits of all jobs together; running ones follow at once.
    pub fn set_limits(&self, limits: Limits) {
        self.core.running_jobs.store(limits.running_jobs, SeqCst);
        *self.core.connections.lock() = limits.connections;
        self.core.set_usual_limits(Usual { download: limits.download, upload: limits.upload });
        self.core.wake.notify_one();
    }

    /// Replaces the schedule of limits; what it says of this moment holds at once.
    pub fn set_schedule(&self, schedule: Schedule) {
        self.core.set_schedule(schedule);
    }

    /// Replaces what holds for servers; running jobs follow the limits at once, connections that are open stay open.
    pub fn set_servers(&self, servers: ServerPolicy) {
        self.core.hosts.set_policy(servers);
        self.core.server_limits.follow(|host| self.core.hosts.limit(host));
        self.core.wake.notify_one();
    }

    /// Stops every transfer, makes what they have durable, and closes the store. Idempotent.
    pub async fn shutdown(&self) {
        self.core.stopping.cancel();
        self.core.tasks.close();
        self.core.tasks.wait().await;
        let writer = self.writer.lock().take();
        if writer.is_none() {
            return;
        }
        if let Err(error) = self.core.journal.settle().wait().await {
            tracing::error!(%error, "the queue does not have everything");
        }
        self.core.remember_hosts().await;
        if let Err(error) = self.core.store.clone().close().await {
            tracing::error!(%error, "the queue could not be closed");
        }
        self.core.changed.notify_one();
    }
}
