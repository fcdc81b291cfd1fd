//! The engine: how it opens and how it stops.

mod add;
mod change;
mod control;
mod document;
mod error;
mod known;
mod leftover;
mod leftovers;
mod new_jobs;
mod observe;
mod pipe;
mod prove;
mod recover;
mod renew;
mod signed_link;

use std::{
    future::Future,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use parking_lot::Mutex;
use ropeway_flow::{
    buffers::Buffers,
    disk::{Disk as _, Guard},
    throttle::{Bucket, ServerLimits},
};
use ropeway_model::Schedule;
use ropeway_store::{QueueDamage, Store};
use tokio::sync::{Notify, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use change::Change;
pub use control::Removal;
pub use error::EngineError;
pub use known::{KnownDownload, KnownDownloads};
pub use leftover::Leftover;
pub(crate) use leftovers::Leftovers;
pub use new_jobs::NewJobs;
pub use pipe::{PipeProgress, Piped};

use crate::{
    blockers,
    blocks::Verifications,
    config::{EngineConfig, Limits, Scope, Seams},
    core::Core,
    download::{Listings, Saves},
    hosts::{self, Hosts, ServerPolicy},
    journal::{Journal, Secrets},
    resume_from_sleep,
    schedule::{self, Timetable, Usual},
    scheduler,
    snapshot::Pause,
};

/// How long a shutdown waits for transfers to save what they have. A disk that answers takes a second or two; one that
/// does not, such as a server's that is gone, must not keep the process for ever. What is lost then is fetched again.
const TRANSFERS_END: Duration = Duration::from_secs(15);
/// How long it waits for each step of the store.
const STORE_ENDS: Duration = Duration::from_secs(5);

/// A running engine; cheap to clone, all clones are the same engine.
#[derive(Clone, Debug)]
pub struct Engine {
    core: Arc<Core>,
    /// The journal's writing task, joined by the shutdown.
    writer: Arc<Mutex<Option<tokio::task::JoinHandle<()>>>>,
    /// What was lost of the queue before this engine opened it.
    damage: Option<Arc<QueueDamage>>,
}

impl Engine {
    /// Opens the store, recovers what an earlier process left, and starts the scheduler. A damaged queue is set aside, and
    /// what can be read of it goes on: [`Engine::damage`] tells of it.
    ///
    /// # Errors
    /// [`EngineError::Store`] if the database cannot be opened or read.
    pub async fn open(seams: Seams, config: EngineConfig) -> Result<Self, EngineError> {
        let Some(path) = config.database.clone() else {
            return Self::start(Store::in_memory().await?, seams, config).await;
        };
        match Self::open_at(&path, seams.clone(), config.clone()).await {
            Err(EngineError::Store(error)) if error.is_damage() => {
                let damaged = path.clone();
                let mended = tokio::task::spawn_blocking(move || ropeway_store::mend(&damaged)).await;
                let damage = mended.map_err(|panic| EngineError::NotDurable(panic.to_string()))??;
                if let Some(damage) = &damage {
                    tracing::error!(%damage, "the queue was damaged");
                }
                let engine = Self::open_at(&path, seams, config).await?;
                Ok(Self { damage: damage.map(Arc::new), ..engine })
            }
            opened => opened,
        }
    }

    async fn open_at(path: &Path, seams: Seams, config: EngineConfig) -> Result<Self, EngineError> {
        let store = Store::open(path).await?;
        let started = Self::start(store.clone(), seams, config).await;
        if started.is_err() {
            // Whoever looks at the file next is alone with it; why it could not be closed is not what went wrong first.
            drop(store.close().await);
        }
        started
    }

    /// The same with a store that is open already; beside [`EngineConfig::database`] lie its soft checkpoints.
    ///
    /// # Errors
    /// [`EngineError::Store`] if the queue cannot be read.
    pub async fn start(store: Store, seams: Seams, config: EngineConfig) -> Result<Self, EngineError> {
        let wake = Arc::new(Notify::new());
        // Who shares a queue is called with its secrets again; a user's own queue goes on without him.
        let secrets = if config.scope == Scope::Once { Secrets::LeftOut } else { Secrets::Kept };
        let (journal, writer) = Journal::start(store.clone(), secrets, Arc::clone(&wake));
        let (clock, rng) = (Arc::clone(&seams.clock), Arc::clone(&seams.rng));
        let hosts = Hosts::new(config.servers, clock, rng, Arc::clone(&wake));
        let disk = Arc::new(Guard(seams.disk));
        let core = Arc::new(Core {
            store,
            clock: seams.clock,
            soft: config.database.as_deref().and_then(|database| disk.soft_files(database)),
            disk,
            drivers: seams.drivers,
            clients: seams.clients,
            blocking: seams.blocking,
            rng: seams.rng,
            routes: seams.routes,
            table: Mutex::default(),
            journal,
            scope: config.scope,
            digests: config.digests,
            running_jobs: AtomicUsize::new(config.limits.running_jobs),
            openable_jobs: openable_jobs(),
            tries: AtomicU32::new(0),
            connections: Mutex::new(config.limits.connections),
            buffers: Buffers::default(),
            saves: Saves::default(),
            listings: Listings::default(),
            downloads: Arc::new(Bucket::new(None)),
            uploads: Arc::new(Bucket::new(None)),
            server_limits: ServerLimits::default(),
            timetable: Timetable::default(),
            is_held: watch::Sender::new(config.is_held),
            hosts,
            wake,
            blocked: Notify::new(),
            started: Notify::new(),
            changed: Notify::new(),
            settled: Notify::new(),
            idle: Notify::new(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            leftovers: Mutex::default(),
            claimed: Mutex::default(),
            made_folders: Mutex::default(),
            proofs: Verifications::default(),
        });
        core.set_schedule(config.schedule);
        core.set_usual_limits(Usual { download: config.limits.download, upload: config.limits.upload });
        core.recall_hosts().await;
        recover::run(&core, config.is_alone).await?;
        tokio::spawn(schedule::run(Arc::clone(&core)));
        tokio::spawn(hosts::memory::run(Arc::clone(&core)));
        tokio::spawn(blockers::run(Arc::clone(&core)));
        tokio::spawn(resume_from_sleep::run(Arc::clone(&core)));
        tokio::spawn(scheduler::run(Arc::clone(&core)));
        Ok(Self { core, writer: Arc::new(Mutex::new(Some(writer))), damage: None })
    }

    /// What was lost of the queue when it was opened; `None` where it was whole.
    pub fn damage(&self) -> Option<&QueueDamage> {
        self.damage.as_deref()
    }

    /// Lets no job start, or lets them start again. Running ones are queued.
    pub fn hold(&self, is_held: bool) {
        if self.core.is_held.send_replace(is_held) == is_held {
            return;
        }
        if is_held {
            self.core.interrupt_all();
        }
        self.core.wake.notify_one();
    }

    /// Why no job starts at all now; `None` where jobs do.
    pub fn pause_of_all(&self) -> Option<Pause> {
        self.core.pause()
    }

    /// Changes the limits of all jobs together; running ones follow at once.
    pub fn set_limits(&self, limits: Limits) {
        self.core.running_jobs.store(limits.running_jobs, SeqCst);
        *self.core.connections.lock() = limits.connections;
        self.core.set_usual_limits(Usual { download: limits.download, upload: limits.upload });
        self.core.wake.notify_one();
    }

    /// Gives every job `tries` tries in a row without progress from now on, whatever it fails with.
    pub fn set_tries(&self, tries: u32) {
        self.core.tries.store(tries, SeqCst);
    }

    /// Replaces the schedule of limits. What it says of this moment holds at once.
    pub fn set_schedule(&self, schedule: Schedule) {
        self.core.set_schedule(schedule);
    }

    /// Replaces what holds for servers. Running jobs follow the limits at once, connections that are open stay open.
    pub fn set_servers(&self, servers: ServerPolicy) {
        self.core.hosts.set_policy(servers);
        self.core.server_limits.follow(|host| self.core.hosts.limit(host));
        self.core.wake.notify_one();
    }

    /// Stops every transfer, makes what they have durable, and closes the store. Idempotent. What hangs is not waited for
    /// without end.
    pub async fn shutdown(&self) {
        self.core.stopping.cancel();
        self.core.tasks.close();
        if within(TRANSFERS_END, self.core.tasks.wait()).await.is_none() {
            tracing::error!(tasks = self.core.tasks.len(), "transfers do not end: a disk or a mount does not answer");
        }
        within(TRANSFERS_END, self.core.remove_unused_folders()).await;
        let writer = self.writer.lock().take();
        if writer.is_none() {
            return;
        }
        match within(STORE_ENDS, self.core.journal.settle().wait()).await {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::error!(%error, "the queue does not have everything"),
            None => tracing::error!("the queue does not have everything: its volume does not answer"),
        }
        within(STORE_ENDS, self.core.remember_hosts()).await;
        if let Some(Err(error)) = within(STORE_ENDS, self.core.store.clone().close()).await {
            tracing::error!(%error, "the queue could not be closed");
        }
        self.core.changed.notify_one();
    }
}

/// What `ending` yields; `None` where it takes longer.
async fn within<T>(longest: Duration, ending: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(longest, ending).await.ok()
}

/// Jobs at once for which files and connections can be opened, at least one.
fn openable_jobs() -> usize {
    /// Open files beside those of jobs: the queue, the log, the listeners and what the runtime waits with.
    const OF_THE_PROCESS: u64 = 32;
    /// A part file, a connection, and one more of either that comes or goes.
    const OF_A_JOB: u64 = 4;
    let jobs = ropeway_files::most_open().saturating_sub(OF_THE_PROCESS) / OF_A_JOB;
    usize::try_from(jobs).unwrap_or(usize::MAX).max(1)
}
