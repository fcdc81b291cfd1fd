//! What the engine tells of itself: plain copies, taken under the lock, read without it.

use std::{path::PathBuf, sync::Arc};

use ropeway_model::{Digest, Direction, JobId, JobSpec, Phase, Timestamp, Validation, Wish};
use ropeway_store::{Damage, Remote, Verification};

use crate::{
    blocks::ProofProgress,
    claims::SegmentSnapshot,
    table::{Entry, Table},
};

/// One job as it is now.
#[derive(Clone, Debug)]
pub struct JobSnapshot {
    /// Its number.
    pub id: JobId,
    /// Specification, as the user gave it.
    pub spec: Arc<JobSpec>,
    /// Wish of the user now.
    pub wish: Wish,
    /// Phase, the fact beside the wish.
    pub phase: Phase,
    /// Its place in the list.
    pub position: i64,
    /// When it was added.
    pub created: Timestamp,
    /// When it was completed.
    pub finished: Option<Timestamp>,
    /// The remote file, once the server has described it.
    pub remote: Option<Arc<Remote>>,
    /// Where the finished file is, or will be.
    pub final_path: Option<PathBuf>,
    /// The finished file's digest.
    pub digest: Option<Digest>,
    /// Proof of the finished file.
    pub verification: Option<Verification>,
    /// Evidence that the last resume used the same remote version.
    pub validation: Option<Validation>,
    /// Damage that the last comparison with the block digests found.
    pub damage: Option<Damage>,
    /// Progress of the transfer.
    pub progress: ProgressSnapshot,
}

/// Why no job starts at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// [`crate::Engine::hold`].
    Held,
    /// What jobs do could not be recorded, and is tried again.
    Unrecorded,
    /// A rule of the schedule, for as long as [`crate::LimitsInForce::until`] says.
    Schedule,
}

/// Progress of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgressSnapshot {
    /// The job's number.
    pub id: JobId,
    /// Which way its bytes go.
    pub direction: Direction,
    /// Bytes of the whole file, once known.
    pub length: Option<u64>,
    /// Bytes received or sent.
    pub moved: u64,
    /// Bytes durably on disk or acknowledged; never more than `moved`.
    pub durable: u64,
    /// Bytes that came although they were there already, since the process started.
    pub wasted: u64,
    /// Bytes a second.
    pub rate: u64,
    /// Connections that were answered and are held for more. Those that wait for a limit are among them.
    pub connections: u16,
}

/// Details that only their pane shows.
#[derive(Clone, Debug)]
pub struct JobDetail {
    /// The job.
    pub job: JobSnapshot,
    /// Who fetches what.
    pub segments: Vec<SegmentSnapshot>,
    /// Bytes a second, one sample a second, oldest first.
    pub speed: Vec<u64>,
    /// Log of what happened, oldest first.
    pub log: Vec<(Timestamp, String)>,
    /// Progress of its comparison or repair. `None` while there is none.
    pub proof: Option<ProofProgress>,
}

/// Changes since the last time somebody asked.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Jobs that are new or have changed.
    pub jobs: Vec<JobSnapshot>,
    /// Jobs that are gone.
    pub removed: Vec<JobId>,
}

impl JobSnapshot {
    pub(crate) fn of(entry: &Entry) -> Self {
        Self {
            id: entry.id,
            spec: Arc::new(entry.spec()),
            wish: entry.wish,
            phase: entry.phase.clone(),
            position: entry.position,
            created: entry.created,
            finished: entry.state.finished,
            remote: entry.remote.clone(),
            final_path: entry.state.final_path.clone(),
            digest: entry.state.digest.clone(),
            verification: entry.state.verification,
            validation: entry.state.validation,
            damage: entry.state.damage,
            progress: ProgressSnapshot::of(entry),
        }
    }
}

impl ProgressSnapshot {
    pub(crate) fn of(entry: &Entry) -> Self {
        let progress = entry.progress();
        let durable = progress.durable();
        Self {
            id: entry.id,
            direction: entry.interned().direction(),
            length: progress.length(),
            // Two counters are read one after the other: the later one may have moved on.
            moved: progress.moved().max(durable),
            durable,
            wasted: progress.wasted(),
            rate: if entry.phase.is_active() { entry.rate() } else { 0 },
            connections: progress.connections(),
        }
    }
}

impl Changes {
    pub(crate) fn take(table: &mut Table) -> Self {
        let (changed, removed) = table.take_changes();
        let jobs = changed.into_iter().filter_map(|id| table.get(id)).map(JobSnapshot::of).collect();
        Self { jobs, removed }
    }
}
