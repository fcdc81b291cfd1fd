//! All jobs in memory, with the indexes the scheduler and the events need. Always behind the engine's one lock.

mod queue;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashSet},
    path::PathBuf,
    sync::Arc,
};

use ropeway_model::{Digest, JobId, JobSpec, Obstacle, Phase, Step, Timestamp, Validation, Wish};
use ropeway_store::{JobRow, NewJob, Remote, Verification};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use queue::{Place, Queue, Server};

use crate::{meter::Meter, progress::Progress, throttle::Bucket};

/// Changes between two looks, usually.
const FEW: usize = 1024;

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
    /// When a waiting job may start, on the monotonic clock; `None` once it may.
    pub(crate) due: Option<Instant>,
    /// Whether the moment it was not to be started before has come.
    pub(crate) is_released: bool,
    /// Its server, as the table numbers them.
    server: Server,
    /// What exists only while an attempt runs.
    pub(crate) active: Option<Box<Active>>,
}

/// The handles of a running attempt.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) cancel: CancellationToken,
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) meter: Meter,
}

/// All jobs.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// Boxed: the nodes of the tree are half empty after jobs were added in order, and half empty places for whole
    /// entries of a hundred thousand jobs are many megabytes.
    entries: BTreeMap<JobId, Box<Entry>>,
    queue: Queue,
    waiting: BTreeSet<(Instant, JobId)>,
    /// Queued jobs that are not to be started before a moment.
    held: BTreeSet<(Timestamp, JobId)>,
    /// Jobs that something stands in the way of which may go away by itself.
    blocked: BTreeSet<(Obstacle, JobId)>,
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
            is_released: false,
            server: Server::default(),
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

    /// The server it speaks to, or will: where redirects ended, once that is known.
    pub(crate) fn host(&self) -> String {
        self.remote.as_ref().map_or_else(|| self.spec.host(), |remote| remote.url.host())
    }

    /// The moment before which it is not to be started.
    fn held_until(&self) -> Option<Timestamp> {
        self.spec.start_at.filter(|_| !self.is_released)
    }

    fn place(&self) -> Place {
        (Reverse(self.spec.priority), self.position, self.id)
    }
}

impl Table {
    /// Puts a job in.
    pub(crate) fn insert(&mut self, mut entry: Entry) {
        let id = entry.id;
        entry.server = self.queue.server(&entry.host());
        self.index(&entry);
        self.entries.insert(id, Box::new(entry));
        self.changed.insert(id);
    }

    /// Takes a job out.
    pub(crate) fn remove(&mut self, id: JobId) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        self.unindex(&entry);
        self.changed.remove(&id);
        self.removed.push(id);
        Some(*entry)
    }

    /// One job, to look at.
    pub(crate) fn get(&self, id: JobId) -> Option<&Entry> {
        self.entries.get(&id).map(Box::as_ref)
    }

    /// Changes one job and keeps the indexes true; `None` if there is no such job.
    pub(crate) fn update<R>(&mut self, id: JobId, change: impl FnOnce(&mut Entry) -> R) -> Option<R> {
        let result = self.reindex(id, change)?;
        self.changed.insert(id);
        Some(result)
    }

    /// The same for what nobody is shown.
    fn reindex<R>(&mut self, id: JobId, change: impl FnOnce(&mut Entry) -> R) -> Option<R> {
        let mut entry = self.entries.remove(&id)?;
        self.unindex(&entry);
        let (spec, remote) = (Arc::clone(&entry.spec), entry.remote.clone());
        let result = change(&mut entry);
        // What its host follows from is replaced as a whole, and seldom: most changes are a phase or a line of the log.
        let is_same = |had: &Option<Arc<Remote>>, now: &Option<Arc<Remote>>| match (had, now) {
            (Some(had), Some(now)) => Arc::ptr_eq(had, now),
            (had, now) => had.is_none() && now.is_none(),
        };
        if !Arc::ptr_eq(&spec, &entry.spec) || !is_same(&remote, &entry.remote) {
            entry.server = self.queue.server(&entry.host());
        }
        self.index(&entry);
        self.entries.insert(id, entry);
        Some(result)
    }

    /// Queues a job whose server has told nothing of the file yet behind those of `host`, where a redirect led it; with
    /// `None` behind those of its own again.
    pub(crate) fn lead(&mut self, id: JobId, host: Option<&str>) {
        let Some(mut entry) = self.entries.remove(&id) else { return };
        self.unindex(&entry);
        let own = entry.host();
        let host = host.filter(|_| entry.remote.is_none()).unwrap_or(&own);
        entry.server = self.queue.server(host);
        self.index(&entry);
        self.entries.insert(id, entry);
    }

    /// The server whose turn the job waits for.
    pub(crate) fn server_of(&self, entry: &Entry) -> &str {
        self.queue.name(entry.server)
    }

    /// Changes what no index and no row shows, such as a meter.
    pub(crate) fn touch<R>(&mut self, id: JobId, change: impl FnOnce(&mut Entry) -> R) -> Option<R> {
        self.entries.get_mut(&id).map(|entry| change(entry))
    }

    /// All jobs by number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().map(Box::as_ref)
    }

    /// Jobs that hold a place for running ones.
    pub(crate) fn active(&self) -> &BTreeSet<JobId> {
        &self.active
    }

    /// Jobs that wait for a place, for their moment or for their next try.
    pub(crate) fn waiting_count(&self) -> usize {
        self.queue.len() + self.waiting.len() + self.held.len()
    }

    /// Jobs that this stands in the way of.
    pub(crate) fn blocked_by(&self, obstacle: Obstacle) -> impl Iterator<Item = &Entry> {
        let ids = self.blocked.range((obstacle, JobId::from_row(i64::MIN))..=(obstacle, JobId::from_row(i64::MAX)));
        ids.filter_map(|(_, id)| self.entries.get(id).map(Box::as_ref))
    }

    /// Puts the jobs whose moment has come, by either clock, into the queue.
    pub(crate) fn promote(&mut self, now: Instant, today: Timestamp) {
        while let Some((_, id)) = self.waiting.first().copied().filter(|(due, _)| *due <= now) {
            self.reindex(id, |entry| entry.due = None);
        }
        while let Some((_, id)) = self.held.first().copied().filter(|(start, _)| *start <= today) {
            self.reindex(id, |entry| entry.is_released = true);
        }
    }

    /// The job to start next: the first of the queue whose server has room beside what runs there.
    pub(crate) fn next_to_start(&self, has_room: impl FnMut(&str, usize) -> bool) -> Option<JobId> {
        self.queue.first(has_room)
    }

    /// Whether any job could start if its server had room.
    pub(crate) fn has_queued(&self) -> bool {
        self.queue.len() > 0
    }

    /// When the next waiting job becomes due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.waiting.first().map(|(at, _)| *at)
    }

    /// When the next job that is held until a moment may start.
    pub(crate) fn next_start(&self) -> Option<Timestamp> {
        self.held.first().map(|(at, _)| *at)
    }

    /// Takes the list of what changed and what is gone since the last call.
    pub(crate) fn take_changes(&mut self) -> (Vec<JobId>, Vec<JobId>) {
        let mut changed: Vec<_> = self.changed.drain().collect();
        changed.sort_unstable();
        // Everything changes once, at the start; later it is a few jobs at a time.
        self.changed.shrink_to(FEW);
        (changed, std::mem::take(&mut self.removed))
    }

    fn index(&mut self, entry: &Entry) {
        let runs = entry.wish == Wish::Run;
        match (&entry.phase, entry.due, entry.held_until()) {
            (Phase::Queued, _, Some(start)) if runs => drop(self.held.insert((start, entry.id))),
            (Phase::Waiting { .. }, Some(due), _) if runs => drop(self.waiting.insert((due, entry.id))),
            (Phase::Queued | Phase::Waiting { .. }, ..) if runs => self.queue.insert(entry.server, entry.place()),
            (Phase::Blocked { by, .. }, ..) if runs => drop(self.blocked.insert((*by, entry.id))),
            (phase, ..) if phase.is_active() => {
                self.active.insert(entry.id);
                self.queue.run(entry.server);
            }
            _ => {}
        }
    }

    fn unindex(&mut self, entry: &Entry) {
        self.queue.remove(entry.server, entry.place());
        if let Some(due) = entry.due {
            self.waiting.remove(&(due, entry.id));
        }
        if let Some(start) = entry.held_until() {
            self.held.remove(&(start, entry.id));
        }
        if let Phase::Blocked { by, .. } = &entry.phase {
            self.blocked.remove(&(*by, entry.id));
        }
        if self.active.remove(&entry.id) {
            self.queue.stop(entry.server);
        }
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
