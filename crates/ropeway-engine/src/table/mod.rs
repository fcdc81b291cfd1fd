//! All jobs in memory, with the indexes the scheduler and the events need. Always behind the engine's one lock.

mod entry;
mod interned_spec;
mod queue;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ropeway_model::{Blocker, JobId, Phase, Step, Timestamp, Wish};
use ropeway_store::{JobRow, Remote};
use tokio::time::Instant;

pub(crate) use entry::{Active, Entry};
pub(crate) use interned_spec::{InternedSpec, SpecInterner};

use crate::hosts::Turn;
use queue::Queue;

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
    blocked: BTreeSet<(Blocker, JobId)>,
    active: BTreeSet<JobId>,
    /// Those of them that have given up their places: all their bytes have come.
    landed: BTreeSet<JobId>,
    /// Jobs that have a part file and are not at their end.
    begun: BTreeSet<JobId>,
    changed: BTreeSet<JobId>,
    removed: Vec<JobId>,
    interner: SpecInterner,
}

impl Table {
    /// A job as the store kept it, to be put in.
    pub(crate) fn entry(&mut self, row: JobRow) -> Entry {
        let spec = self.interner.intern(&row.spec);
        Entry::from_row(row, spec)
    }

    /// Puts a job in.
    pub(crate) fn insert(&mut self, entry: Entry) {
        let (id, entry) = self.arrive(entry);
        self.entries.insert(id, entry);
        self.changed.insert(id);
    }

    /// A job that is to be put in together with many others.
    pub(crate) fn arrive(&mut self, mut entry: Entry) -> (JobId, Box<Entry>) {
        entry.server = self.queue.enter(&entry.host());
        self.index(&entry);
        (entry.id, Box::new(entry))
    }

    /// Puts in all there are, which nobody needs to be told of.
    pub(crate) fn settle(&mut self, arrived: Vec<(JobId, Box<Entry>)>) {
        self.entries = arrived.into_iter().collect();
        self.queue.compact();
    }

    /// Gives back the room that many jobs put in left between them. The nodes of a tree that grows in order stay half
    /// empty, those of one that is made anew are full.
    pub(crate) fn compact(&mut self) {
        self.entries = std::mem::take(&mut self.entries).into_iter().collect();
        self.queue.compact();
    }

    /// Takes a job out.
    pub(crate) fn remove(&mut self, id: JobId) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        self.unindex(&entry);
        self.queue.leave(entry.server);
        self.changed.remove(&id);
        self.removed.push(id);
        Some(*entry)
    }

    /// One job, to look at.
    pub(crate) fn get(&self, id: JobId) -> Option<&Entry> {
        self.entries.get(&id).map(Box::as_ref)
    }

    /// Changes one job and keeps the indexes true. `None` if there is no such job.
    pub(crate) fn update<R>(&mut self, id: JobId, change: impl FnOnce(&mut Entry) -> R) -> Option<R> {
        let result = self.reindex(id, change)?;
        self.changed.insert(id);
        Some(result)
    }

    /// The same for what nobody is shown.
    fn reindex<R>(&mut self, id: JobId, change: impl FnOnce(&mut Entry) -> R) -> Option<R> {
        let entry = self.entries.remove(&id)?;
        self.unindex(&entry);
        let remote = entry.remote.clone();
        let mut taken = TakenOut { table: self, entry: Some(entry), remote };
        taken.entry.as_deref_mut().map(change)
    }

    /// Queues a job whose server has told nothing of the file yet behind those of `host`, where a redirect led it; with
    /// `None` behind those of its own again.
    pub(crate) fn lead(&mut self, id: JobId, host: Option<&str>) {
        let Some(entry) = self.entries.get(&id) else { return };
        let own = entry.host();
        let host = host.filter(|_| entry.remote.is_none()).unwrap_or(&own);
        if host == self.server_of(entry) {
            return;
        }
        let Some(mut entry) = self.entries.remove(&id) else { return };
        self.unindex(&entry);
        self.queue.leave(entry.server);
        entry.server = self.queue.enter(host);
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

    /// Jobs that run.
    pub(crate) fn active(&self) -> &BTreeSet<JobId> {
        &self.active
    }

    /// Number of those that wait for no byte any more.
    pub(crate) fn landed(&self) -> usize {
        self.landed.len()
    }

    /// Jobs that wait for a place, for their moment or for their next try.
    pub(crate) fn waiting_count(&self) -> usize {
        self.queue.len() + self.waiting.len() + self.held.len()
    }

    /// Jobs that have a part file and are not at their end.
    pub(crate) fn begun(&self) -> impl Iterator<Item = &Entry> {
        self.begun.iter().filter_map(|id| self.get(*id))
    }

    /// True where no job runs or waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.active.is_empty() && self.waiting_count() == 0
    }

    /// Jobs that this stands in the way of.
    pub(crate) fn blocked_by(&self, blocker: Blocker) -> impl Iterator<Item = &Entry> {
        let ids = self.blocked.range((blocker, JobId::from_row(i64::MIN))..=(blocker, JobId::from_row(i64::MAX)));
        ids.filter_map(|(_, id)| self.entries.get(id).map(Box::as_ref))
    }

    /// Puts the jobs whose moment has come, by either clock, into the queue.
    pub(crate) fn promote(&mut self, now: Instant, today: Timestamp) {
        while let Some((_, id)) = self.waiting.first().copied().filter(|(due, _)| *due <= now) {
            self.reindex(id, |entry| entry.state.due = None);
        }
        while let Some((_, id)) = self.held.first().copied().filter(|(start, _)| *start <= today) {
            self.reindex(id, |entry| entry.is_released = true);
        }
    }

    /// Job to start next. It is the first of the queue that it is the turn of at its server, beside what runs there.
    pub(crate) fn next_to_start(&self, turn: impl FnMut(&str, usize) -> Turn) -> Option<JobId> {
        self.queue.first(turn)
    }

    /// True where any job could start if its server had room.
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

    /// Takes the numbers of what changed and of what is gone since the last call.
    pub(crate) fn take_changes(&mut self) -> (BTreeSet<JobId>, Vec<JobId>) {
        (std::mem::take(&mut self.changed), std::mem::take(&mut self.removed))
    }

    /// Number of jobs that changed or are gone since the last call.
    pub(crate) fn changes(&self) -> usize {
        self.changed.len() + self.removed.len()
    }

    fn index(&mut self, entry: &Entry) {
        if entry.state.part_path.is_some() && !entry.phase.is_terminal() {
            self.begun.insert(entry.id);
        }
        let runs = entry.wish == Wish::Run;
        match (&entry.phase, entry.state.due, entry.held_until()) {
            (Phase::Waiting { .. }, Some(due), _) if runs => drop(self.waiting.insert((due, entry.id))),
            (Phase::Queued | Phase::Waiting { .. }, _, Some(start)) if runs => {
                self.held.insert((start, entry.id));
            }
            (Phase::Queued | Phase::Waiting { .. }, ..) if runs => self.queue.insert(entry.server, entry.place()),
            (Phase::Blocked { by, .. }, ..) if runs => drop(self.blocked.insert((*by, entry.id))),
            (phase, ..) if phase.is_active() => {
                self.active.insert(entry.id);
                if entry.has_landed() {
                    self.landed.insert(entry.id);
                } else {
                    self.queue.run(entry.server);
                }
            }
            _ => {}
        }
    }

    fn unindex(&mut self, entry: &Entry) {
        self.begun.remove(&entry.id);
        self.queue.remove(entry.server, entry.place());
        if let Some(due) = entry.state.due {
            self.waiting.remove(&(due, entry.id));
        }
        if let Some(start) = entry.held_until() {
            self.held.remove(&(start, entry.id));
        }
        if let Phase::Blocked { by, .. } = &entry.phase {
            self.blocked.remove(&(*by, entry.id));
        }
        if self.active.remove(&entry.id) && !self.landed.remove(&entry.id) {
            self.queue.stop(entry.server);
        }
    }
}

/// An entry that is being changed, in no index. It goes back when this is dropped, also where the change panics: a defect
/// must not lose a job.
struct TakenOut<'a> {
    table: &'a mut Table,
    entry: Option<Box<Entry>>,
    /// What was known of its remote file before.
    remote: Option<Arc<Remote>>,
}

impl Drop for TakenOut<'_> {
    fn drop(&mut self) {
        let Some(mut entry) = self.entry.take() else { return };
        // What its host follows from is replaced as a whole, and seldom: most changes are a phase or a line of the log.
        let wanted = entry.take_new_spec();
        if let Some(spec) = &wanted {
            entry.spec = self.table.interner.intern(spec);
        }
        let is_same = |had: &Option<Arc<Remote>>, now: &Option<Arc<Remote>>| match (had, now) {
            (Some(had), Some(now)) => Arc::ptr_eq(had, now),
            (had, now) => had.is_none() && now.is_none(),
        };
        if wanted.is_some() || !is_same(&self.remote, &entry.remote) {
            self.table.queue.leave(entry.server);
            entry.server = self.table.queue.enter(&entry.host());
        }
        self.table.index(&entry);
        self.table.entries.insert(entry.id, entry);
    }
}

/// Applies a step. A step the machine does not have is a mistake of ours and changes nothing.
pub(crate) fn advance(entry: &mut Entry, step: Step) {
    match entry.phase.clone().apply(step) {
        Ok(next) => entry.phase = next,
        Err(illegal) => {
            debug_assert!(false, "{illegal}");
            tracing::error!(job = %entry.id, %illegal, "step refused");
        }
    }
}

#[cfg(test)]
mod tests {
    use ropeway_model::{Failure, FailureCode, JobSpec, Transfer};

    use super::*;

    fn row(id: i64, wish: Wish, phase: Phase) -> JobRow {
        let from = "https://files.example/a.bin".parse().unwrap();
        JobRow {
            id: JobId::from_row(id),
            spec: JobSpec::new(Transfer::Download { from, into: "/downloads".into(), name: None }),
            wish,
            phase,
            position: id,
            created: Timestamp::from_unix_ms(0),
            finished: None,
            remote: None,
            part_path: None,
            final_path: None,
            durable: 0,
            digest: None,
            verification: None,
            validation: None,
            damage: None,
        }
    }

    #[test]
    fn a_table_is_idle_while_no_job_runs_or_waits() {
        let failure = Failure::new(FailureCode::ConnectionLost, "the line broke");
        let waiting = Phase::Waiting { until: Timestamp::from_unix_ms(5), attempt: 1, cause: failure.clone() };
        let blocked = Phase::Blocked { by: Blocker::Room, failure: failure.clone() };
        for (wish, phase, is_idle) in [
            (Wish::Run, Phase::Queued, false),
            (Wish::Run, waiting, false),
            (Wish::Run, Phase::Running, false),
            (Wish::Run, blocked, true),
            (Wish::Pause, Phase::Paused, true),
            (Wish::Run, Phase::Completed, true),
            (Wish::Run, Phase::Failed { failure }, true),
        ] {
            let mut table = Table::default();
            assert!(table.is_idle());
            let entry = table.entry(row(1, wish, phase.clone()));
            table.insert(entry);
            assert_eq!(table.is_idle(), is_idle, "{phase:?}");
        }
    }
}
