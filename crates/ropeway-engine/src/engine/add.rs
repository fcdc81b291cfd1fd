//! New jobs: durable before they are acknowledged.

use std::{path::Path, sync::Arc};

use ropeway_flow::disk::{DiskError, PartFile};
use ropeway_model::{JobId, JobSpec, Phase, Transfer, Wish};
use ropeway_store::{JobChange, JobRow, NewJob};

use super::{Engine, EngineError, NewJobs, leftovers::is_same, signed_link};
use crate::{
    core::Core,
    table::{Entry, InternedSpec},
};

/// So many jobs at once are worth packing the table behind them.
const MANY: usize = 1000;

impl Engine {
    /// Adds jobs in one transaction and queues those whose wish is to run. Returns their numbers: first those of jobs of
    /// an earlier process that are taken up again.
    ///
    /// # Errors
    /// [`EngineError::Store`] if the jobs could not be made durable: then none was added.
    pub async fn add(&self, jobs: impl Into<NewJobs>, wish: Wish) -> Result<Vec<JobId>, EngineError> {
        let engine = &self.core;
        if engine.stopping.is_cancelled() {
            return Err(EngineError::Stopping);
        }
        let (taken_up, fresh) = engine.take_up_all(jobs.into().interned());
        let created = engine.clock.now();
        let phase = if wish == Wish::Run { Phase::Queued } else { Phase::Paused };
        let fresh = Arc::new(fresh);
        let (specs, first, secrets) = (Arc::clone(&fresh), phase.clone(), engine.journal.secrets());
        let new_jobs = (0..specs.len())
            .filter_map(move |at| specs.get(at).map(InternedSpec::spec))
            .map(move |spec| NewJob { spec: secrets.stored(spec), wish, phase: first.clone(), created });
        let places = if fresh.is_empty() { Vec::new() } else { engine.store.insert_jobs(new_jobs).await? };
        let mut ids: Vec<_> = taken_up.iter().map(|entry| entry.id).collect();
        ids.extend(places.iter().map(|(id, _)| *id));
        let mut table = engine.table.lock();
        for entry in taken_up {
            table.insert(entry);
        }
        for ((id, position), spec) in places.into_iter().zip(Arc::unwrap_or_clone(fresh)) {
            table.insert(Entry::new(id, position, created, wish, phase.clone(), spec));
        }
        if ids.len() >= MANY {
            table.compact();
        }
        drop(table);
        engine.changed.notify_one();
        engine.wake.notify_one();
        Ok(ids)
    }
}

impl Core {
    /// Takes up again what an earlier process left of these jobs; the others are new.
    fn take_up_all(&self, jobs: Vec<InternedSpec>) -> (Vec<Entry>, Vec<InternedSpec>) {
        let mut leftovers = self.leftovers.lock();
        let mut begun = leftovers.take_begun();
        if begun.is_empty() && !leftovers.has_abandoned() {
            return (Vec::new(), jobs);
        }
        let (mut taken_up, mut fresh) = (Vec::new(), Vec::new());
        for job in jobs {
            let spec = job.spec();
            match self.take_up(&mut begun, &spec).or_else(|| leftovers.take_abandoned(&spec.transfer)) {
                Some(row) => taken_up.push(self.adopt(row, spec)),
                None => fresh.push(job),
            }
        }
        leftovers.put_back(begun);
        (taken_up, fresh)
    }

    /// A begun job of an earlier process with the same source and destination, which no living process has; only a process
    /// that runs its own jobs alone keeps any.
    /// A link that was signed anew is one to the same file.
    fn take_up(&self, leftovers: &mut Vec<JobRow>, spec: &JobSpec) -> Option<JobRow> {
        let is_same = |row: &JobRow| is_same(&row.spec.transfer, &spec.transfer);
        let is_signed_anew = |row: &JobRow| signed_link::is_anew(&row.spec.transfer, &spec.transfer);
        let (at, part) = self.first_free(leftovers, is_same).or_else(|| self.first_free(leftovers, is_signed_anew))?;
        let row = leftovers.swap_remove(at);
        if let Some(part) = part {
            self.claimed.lock().insert(row.id, part);
        }
        Some(row)
    }

    /// The first row of which this holds and whose part file nobody has, with that file, locked.
    fn first_free(
        &self,
        rows: &[JobRow],
        is_wanted: impl Fn(&JobRow) -> bool,
    ) -> Option<(usize, Option<Arc<dyn PartFile>>)> {
        rows.iter().enumerate().filter(|(_, row)| is_wanted(row)).find_map(|(at, row)| {
            match self.disk.open_part(row.part_path.as_deref()?) {
                Ok(part) => Some((at, Some(part))),
                // Gone with a final name recorded: it was published, and only nobody could say so any more.
                Err(DiskError::Missing { .. }) if row.final_path.is_some() => Some((at, None)),
                Err(_) => None,
            }
        })
    }

    /// Whatever an earlier process recorded of a part file at `part`, that file is gone: what gets its name now is another
    /// job's.
    pub(crate) fn disown_leftovers(&self, part: &Path) {
        let mut leftovers = self.leftovers.lock();
        for row in leftovers.with_part(part) {
            row.part_path = None;
            let mut change = JobChange::new(row.id);
            change.part_path = Some(None);
            change.segments = Some(None);
            change.part_file = Some(None);
            change.durable = Some(0);
            self.journal.note(change);
        }
    }

    /// Gives a job that is taken up again the options of the new request, its login among them.
    fn adopt(&self, mut row: JobRow, spec: JobSpec) -> Entry {
        if let (Some(remote), Transfer::Download { from, .. }) = (&mut row.remote, &spec.transfer) {
            remote.url = from.with_login_of_its_own(remote.url.expose().clone());
        }
        let mut change = JobChange::new(row.id);
        if let (Some(remote), Transfer::Download { from, .. }) = (&mut row.remote, &spec.transfer)
            && row.spec.transfer.without_login() != spec.transfer.without_login()
        {
            (remote.url, remote.is_renewed) = (from.clone(), true);
            change.remote = Some(Some(remote.clone()));
        }
        change.spec = Some(spec.clone());
        change.wish = Some(Wish::Run);
        change.phase = Some(Phase::Queued);
        change.log.push((self.clock.now(), "taken up again".to_owned()));
        self.journal.note(change);
        self.table.lock().entry(JobRow { spec, wish: Wish::Run, phase: Phase::Queued, ..row })
    }
}
