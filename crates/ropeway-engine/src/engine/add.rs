//! New jobs: durable before they are acknowledged.

use ropeway_model::{JobSpec, Phase, Wish};
use ropeway_store::{JobChange, JobRow, NewJob};

use super::{Engine, EngineError};
use crate::{config::Scope, core::Core, disk::DiskError, snapshot::JobSnapshot, table::Entry};

impl Engine {
    /// Adds jobs in one transaction and queues those whose wish is to run.
    ///
    /// # Errors
    /// [`EngineError::Store`] if the jobs could not be made durable: then none was added.
    pub async fn add(&self, specs: Vec<JobSpec>, wish: Wish) -> Result<Vec<JobSnapshot>, EngineError> {
        let engine = &self.core;
        if engine.stopping.is_cancelled() {
            return Err(EngineError::Stopping);
        }
        let mut added = Vec::with_capacity(specs.len());
        let mut fresh = Vec::with_capacity(specs.len());
        for spec in specs {
            match engine.take_up(&spec) {
                Some(row) => added.push(engine.adopt(row, spec)),
                None => fresh.push(spec),
            }
        }
        let created = engine.clock.now();
        let phase = if wish == Wish::Run { Phase::Queued } else { Phase::Paused };
        let new_jobs: Vec<_> =
            fresh.iter().map(|spec| NewJob { spec: spec.clone(), wish, phase: phase.clone(), created }).collect();
        let ids = if new_jobs.is_empty() { Vec::new() } else { engine.store.insert_jobs(new_jobs).await? };
        let mut table = engine.table.lock();
        for ((id, position), spec) in ids.into_iter().zip(fresh) {
            added.push(Entry::new(id, position, NewJob { spec, wish, phase: phase.clone(), created }));
        }
        let snapshots = added.iter().map(JobSnapshot::of).collect();
        for entry in added {
            table.insert(entry);
        }
        drop(table);
        engine.changed.notify_one();
        engine.wake.notify_one();
        Ok(snapshots)
    }
}

impl Core {
    /// An unfinished job of an earlier process with the same source and destination, which no living process has.
    fn take_up(&self, spec: &JobSpec) -> Option<JobRow> {
        if self.scope != Scope::Once {
            return None;
        }
        let mut leftovers = self.leftovers.lock();
        let at = leftovers.iter().position(|row| {
            // Gone with a final name recorded: it was published, and only nobody could say so any more.
            let free = |part| match self.disk.open_part(part) {
                Ok(_) => true,
                Err(DiskError::Missing { .. }) => row.final_path.is_some(),
                Err(_) => false,
            };
            row.spec.transfer == spec.transfer && row.part_path.as_deref().is_some_and(free)
        })?;
        Some(leftovers.swap_remove(at))
    }

    /// Gives a job that is taken up again the options of the new request.
    fn adopt(&self, row: JobRow, spec: JobSpec) -> Entry {
        let mut change = JobChange::new(row.id);
        change.spec = Some(spec.clone());
        change.wish = Some(Wish::Run);
        change.phase = Some(Phase::Queued);
        change.log.push((self.clock.now(), "taken up again".to_owned()));
        self.journal.note(change);
        Entry::from_row(JobRow { spec, wish: Wish::Run, phase: Phase::Queued, ..row })
    }
}
