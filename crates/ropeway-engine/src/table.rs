//! All jobs in memory, with the indexes the scheduler and the events need. Always behind the engine's one lock.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashSet},
    path::PathBuf,
    sync::Arc,
};

use ropeway_model::{Digest, JobId, JobSpec, Phase, PhaseKind, Priority, Step, Timestamp, Validation, Wish};
use ropeway_store::{JobRow, NewJob, Remote, Verification};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{meter::Meter, progress::Progress, throttle::Bucket};

/// One job in memory.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: JobId,
    pub(crate) spec: Arc<JobSpec>,
    pub(crate) wish: Wish,
    pub(crate) phase: Phase,
    pub(crate) position: i64,
    pub(crate) created: Timestamp,
    pub(crate) finished: Option<Timestamp>,
    pub(crate) remote: Option<Arc<Remote>>,
    pub(crate) part_path: Option<PathBuf>,
    pub(crate) final_path: Option<PathBuf>,
    pub(crate) digest: Option<Digest>,
    pub(crate) verification: Option<Verification>,
    pub(crate) validation: Option<Validation>,
    pub(crate) progress: Arc<Progress>,
    /// Bytes a second, as last measured.
    pub(crate) rate: u64,
    /// Tries in a row that failed without progress.
    pub(crate) attempts: u32,
    /// When a waiting job may start, on the monotonic clock.
    pub(crate) due: Option<Instant>,
    /// What exists only while an attempt runs.
    pub(crate) active: Option<Active>,
}

/// The handles of a running attempt.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) cancel: CancellationToken,
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) meter: Meter,
}

/// The scheduler's order: higher priority first, then the order of the list.
type Place = (Reverse<Priority>, i64, JobId);

/// All jobs.
#[derive(Debug, Default)]
pub(crate) struct Table {
    entries: BTreeMap<JobId, Entry>,
    queued: BTreeSet<Place>,
    waiting: BTreeSet<(Instant, JobId)>,
    active: BTreeSet<JobId>,
    changed: HashSet<JobId>,
    removed: Vec<JobId>,
}

impl Entry {
    /// A job that has just been added.
    pub(crate) fn new(id: JobId, position: i64, job: NewJob) -> Self {
        Self {
            id,
            spec: Arc::new(job.spec),
            wish: job.wish,
            phase: job.phase,
            position,
            created: job.created,
            finished: None,
            remote: None,
            part_path: None,
            final_path: None,
            digest: None,
            verification: None,
            validation: None,
            progress: Arc::new(Progress::new(None, 0)),
            rate: 0,
            attempts: 0,
            due: None,
            active: None,
        }
    }

    /// A job as the store kept it.
    pub(crate) fn from_row(row: JobRow) -> Self {
        let length = row.remote.as_ref().and_then(|remote| remote.validator.length);
        let new = NewJob { spec: row.spec, wish: row.wish, phase: row.phase, created: row.created };
        Self {
            finished: row.finished,
            progress: Arc::new(Progress::new(length, row.durable)),
            remote: row.remote.map(Arc::new),
            part_path: row.part_path,
            final_path: row.final_path,
            digest: row.digest,
            verification: row.verification,
            validation: row.validation,
            ..Self::new(row.id, row.position, new)
        }
    }

    fn place(&self) -> Place {
        (Reverse(self.spec.priority), self.position, self.id)
    }
}

impl Table {
    /// Puts a job in.
    pub(crate) fn insert(&mut self, entry: Entry) {
        let id = entry.id;
        self.index(&entry);
        self.entries.insert(id, entry);
        self.changed.insert(id);
    }

    /// Takes a job out.
    pub(crate) fn remove(&mut self, id: JobId) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        self.unindex(&entry);
        self.changed.remove(&id);
        self.removed.push(id);
        Some(entry)
    }

    /// One job, to look at.
    pub(crate) fn get(&self, id: JobId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    /// Changes one job and keeps the indexes true; `None` if there is no such job.
    pub(crate) fn update<R>(&mut self, id: JobId, change: impl FnOnce(&mut Entry) -> R) -> Option<R> {
        let mut entry = self.entries.remove(&id)?;
        self.unindex(&entry);
        let result = change(&mut entry);
        self.index(&entry);
        self.entries.insert(id, entry);
        self.changed.insert(id);
        Some(result)
    }

    /// Changes what no index and no row shows, such as a meter.
    pub(crate) fn touch<R>(&mut self, id: JobId, change: impl FnOnce(&mut Entry) -> R) -> Option<R> {
        self.entries.get_mut(&id).map(change)
    }

    /// All jobs by number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// Jobs that hold a place for running ones.
    pub(crate) fn active(&self) -> &BTreeSet<JobId> {
        &self.active
    }

    /// Jobs that wait for a place or for their next try.
    pub(crate) fn waiting_count(&self) -> usize {
        self.queued.len() + self.waiting.len()
    }

    /// The job to start next: a waiting one that is due, else the first of the queue.
    pub(crate) fn next_to_start(&self, now: Instant) -> Option<JobId> {
        let due = self.waiting.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id);
        due.or_else(|| self.queued.first().map(|(_, _, id)| *id))
    }

    /// When the next waiting job becomes due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.waiting.first().map(|(at, _)| *at)
    }

    /// Takes the list of what changed and what is gone since the last call.
    pub(crate) fn take_changes(&mut self) -> (Vec<JobId>, Vec<JobId>) {
        let mut changed: Vec<_> = self.changed.drain().collect();
        changed.sort_unstable();
        (changed, std::mem::take(&mut self.removed))
    }

    fn index(&mut self, entry: &Entry) {
        let runs = entry.wish == Wish::Run;
        match entry.phase.kind() {
            PhaseKind::Queued if runs => drop(self.queued.insert(entry.place())),
            PhaseKind::Waiting if runs => {
                if let Some(due) = entry.due {
                    self.waiting.insert((due, entry.id));
                }
            }
            _ if entry.phase.is_active() => drop(self.active.insert(entry.id)),
            _ => {}
        }
    }

    fn unindex(&mut self, entry: &Entry) {
        self.queued.remove(&entry.place());
        if let Some(due) = entry.due {
            self.waiting.remove(&(due, entry.id));
        }
        self.active.remove(&entry.id);
    }
}

/// Applies a step; a step the machine does not have is a mistake of ours and changes nothing.
pub(crate) fn advance(entry: &mut Entry, step: Step) {
    match entry.phase.clone().apply(step) {
        Ok(next) => entry.phase = next,
        Err(illegal) => {
            debug_assert!(false, "{illegal}");
            tracing::error!(job = %entry.id, %illegal, "step refused");
        }
    }
}
