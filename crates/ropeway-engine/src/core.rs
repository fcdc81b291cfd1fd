//! Core that all parts of the engine share.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::join_all;
use parking_lot::Mutex;
use ropeway_drivers::{Clients, Drivers};
use ropeway_flow::{
    blocking::Blocking,
    buffers::Buffers,
    clock::Clock,
    disk::{Disk, PartFile, SoftFiles},
    rng::Rng,
    throttle::{Bucket, ServerLimits},
};
use ropeway_model::{Connections, JobId, Phase, Step, Wish};
use ropeway_store::{JobChange, Store};
use tokio::sync::{Notify, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    blocks::Verifications,
    config::{DigestPolicy, Scope},
    download::{Listings, Saves},
    engine::{EngineError, Leftovers},
    hosts::{HostKey, Hosts},
    journal::Journal,
    network::Routes,
    schedule::Timetable,
    snapshot::Pause,
    table::{Entry, Table, advance},
};

/// How long anybody waits until part files are deleted, which goes on without.
const LONGEST_DISCARD: Duration = Duration::from_secs(5);

/// Jobs all of whose bytes have come and that the next ones do not wait for. Where a disk is slower than the line no more
/// of them gather: a small file lies in memory until it is saved.
const MOST_LANDED: usize = 16;

/// Core that all parts of the engine share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) disk: Arc<dyn Disk>,
    /// Soft checkpoints of running downloads; `None` where none can be believed.
    pub(crate) soft: Option<Arc<dyn SoftFiles>>,
    pub(crate) drivers: Drivers,
    pub(crate) clients: Clients,
    pub(crate) blocking: Blocking,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) routes: Arc<dyn Routes>,
    pub(crate) table: Mutex<Table>,
    pub(crate) journal: Journal,
    pub(crate) scope: Scope,
    pub(crate) digests: DigestPolicy,
    pub(crate) running_jobs: AtomicUsize,
    /// Jobs for which the system lets enough files be open.
    pub(crate) openable_jobs: usize,
    /// Tries in a row without progress that a job is given, where the user chose their number; else zero.
    pub(crate) tries: AtomicU32,
    pub(crate) connections: Mutex<Option<Connections>>,
    pub(crate) buffers: Buffers,
    /// Small files on their way to the disk.
    pub(crate) saves: Saves,
    /// Folders that downloads were just begun in.
    pub(crate) listings: Listings,
    pub(crate) downloads: Arc<Bucket>,
    pub(crate) uploads: Arc<Bucket>,
    pub(crate) server_limits: ServerLimits,
    pub(crate) timetable: Timetable,
    /// Hold on all jobs, before their user has said something.
    pub(crate) is_held: watch::Sender<bool>,
    pub(crate) hosts: Hosts,
    /// Wakes the scheduler.
    pub(crate) wake: Arc<Notify>,
    /// Wakes whoever watches for blockers to go.
    pub(crate) blocked: Notify,
    /// Wakes whoever watches while jobs run.
    pub(crate) started: Notify,
    /// Wakes whoever publishes changes.
    pub(crate) changed: Notify,
    /// Wakes whoever waits for an attempt to end.
    pub(crate) settled: Notify,
    /// Wakes whoever gathers changes. None runs or waits, and no more of them may come for a long time.
    pub(crate) idle: Notify,
    /// Fires once, when the engine stops.
    pub(crate) stopping: CancellationToken,
    pub(crate) tasks: TaskTracker,
    /// Unfinished jobs of earlier processes that an added job may take up, in [`Scope::Once`].
    pub(crate) leftovers: Mutex<Leftovers>,
    /// Part files of those that were taken up, locked until their try begins: of two processes one has them.
    pub(crate) claimed: Mutex<HashMap<JobId, Arc<dyn PartFile>>>,
    /// Folders made for downloads of which none has saved a file there yet.
    pub(crate) made_folders: Mutex<BTreeSet<PathBuf>>,
    /// Comparisons and repairs of files at rest.
    pub(crate) proofs: Verifications,
}

impl Core {
    /// Deletes what given-up downloads had, under no lock and on no thread that transfers need: a folder may be of a mount
    /// that hangs. That holds up neither whoever waits, for long, nor what lies in other folders.
    pub(crate) async fn discard(&self, parts: Vec<(JobId, PathBuf)>) {
        let mut folders: HashMap<PathBuf, Vec<(JobId, PathBuf)>> = HashMap::new();
        for (id, part) in parts {
            let folder = part.parent().unwrap_or(&part).to_owned();
            folders.entry(folder).or_default().push((id, part));
        }
        let deleting = folders.into_values().map(|parts| {
            let (disk, soft) = (Arc::clone(&self.disk), self.soft.clone());
            self.blocking.start(move || {
                for (job, part) in parts {
                    if let Some(Err(error)) = soft.as_ref().map(|soft| soft.remove(job)) {
                        tracing::warn!(%job, %error, "soft checkpoint not removed");
                    }
                    if let Err(error) = disk.remove(&part) {
                        tracing::warn!(%job, %error, "part file not removed");
                    }
                }
            })
        });
        if tokio::time::timeout(LONGEST_DISCARD, join_all(deleting)).await.is_err() {
            tracing::warn!("part files are still being deleted: a disk or a mount does not answer");
        }
    }

    /// Whether a job beside `id` has recorded `part`: it may have given its file the final name and not be able to say so.
    pub(crate) fn is_anothers(&self, id: JobId, part: &Path) -> bool {
        let has = |entry: &Entry| entry.id != id && entry.state.part_path.as_deref() == Some(part);
        self.table.lock().begun().any(has)
    }

    /// Fails every job that waits for a server that nobody has reached, for the reason that its last probe failed for:
    /// whoever waits at a terminal for a thousand files of a dead server is told once it is known.
    pub(crate) fn give_up(&self, table: &mut Table, probe: JobId, host: &HostKey) {
        let Some(Phase::Failed { failure }) = table.get(probe).map(|entry| entry.phase.clone()) else { return };
        let waits = |entry: &&Entry| {
            let is_at_rest = matches!(entry.phase, Phase::Queued | Phase::Waiting { .. });
            is_at_rest && entry.wish == Wish::Run && entry.remote.is_none() && table.server_of(entry) == host.as_str()
        };
        let ids: Vec<JobId> = table.iter().filter(waits).map(|entry| entry.id).collect();
        for id in ids {
            let change = table.update(id, |entry| {
                advance(entry, Step::Fail(failure.clone()));
                let mut change = JobChange::new(id);
                change.phase = Some(entry.phase.clone());
                change
            });
            if let Some(change) = change {
                self.journal.note(change);
            }
        }
    }

    /// The bucket of all transfers with `host`.
    pub(crate) fn server_bucket(&self, host: &str) -> Arc<Bucket> {
        self.server_limits.bucket(host, |host| self.hosts.limit(host))
    }

    /// True where no job may start now, whichever it is.
    pub(crate) fn pauses(&self) -> bool {
        self.pause().is_some()
    }

    /// Why no job may start now, whichever it is. `None` where jobs may.
    pub(crate) fn pause(&self) -> Option<Pause> {
        let is_behind = self.scope == Scope::Queue && self.journal.is_behind();
        match self.timetable.pauses() {
            _ if *self.is_held.borrow() => Some(Pause::Held),
            _ if is_behind => Some(Pause::Unrecorded),
            true => Some(Pause::Schedule),
            false => None,
        }
    }

    /// Refuses what would reach the network beside the queue.
    ///
    /// # Errors
    /// [`EngineError::Held`] while no job may start before its user has said something.
    pub(crate) fn refuse_held(&self) -> Result<(), EngineError> {
        if *self.is_held.borrow() { Err(EngineError::Held) } else { Ok(()) }
    }

    /// Returns once nothing may move any more, by the schedule's word or the user's.
    pub(crate) async fn until_stilled(&self) {
        let (mut held, mut paused) = (self.is_held.subscribe(), self.timetable.pauses.subscribe());
        // Neither closes before the engine is gone.
        tokio::select! {
            () = async { drop(held.wait_for(|is_held| *is_held).await) } => {}
            () = async { drop(paused.wait_for(|pauses| *pauses).await) } => {}
        }
    }

    /// True where every place for running jobs is taken. One that only has to be saved and proved holds none, as long
    /// as there are few of them.
    pub(crate) fn is_full(&self) -> bool {
        let places = self.running_jobs.load(SeqCst).min(self.openable_jobs);
        let table = self.table.lock();
        let (active, landed) = (table.active().len(), table.landed().min(places).min(MOST_LANDED));
        active - landed >= places || active >= self.openable_jobs
    }

    /// Returns once no attempt runs the job.
    pub(crate) async fn until_idle(&self, id: JobId) {
        loop {
            let idle = self.settled.notified();
            tokio::pin!(idle);
            idle.as_mut().enable();
            let is_idle = self.table.lock().get(id).is_none_or(|entry| entry.active.is_none());
            if is_idle {
                return;
            }
            idle.await;
        }
    }
}
