//! Observation of the engine from outside.

use std::collections::HashSet;

use ropeway_model::{JobId, Phase, SafeUrl, SavedTargetId, SegmentMap, Transfer, UploadTarget};
use ropeway_store::SavedTarget;
use tokio::time::Instant;

use super::{Engine, EngineError};
use crate::{
    claims::SegmentSnapshot,
    hosts::ServerSnapshot,
    schedule::LimitsInForce,
    snapshot::{Changes, JobDetail, JobSnapshot, ProgressSnapshot},
    table::Entry,
};

impl Engine {
    /// All jobs, in the order of the list. Many of them take much memory: see [`Engine::order`].
    pub fn jobs(&self) -> Vec<JobSnapshot> {
        self.jobs_of(&self.order())
    }

    /// The numbers of all jobs, in the order of the list.
    pub fn order(&self) -> Vec<JobId> {
        let mut places: Vec<_> = self.core.table.lock().iter().map(|entry| (entry.position, entry.id)).collect();
        places.sort_unstable();
        places.into_iter().map(|(_, id)| id).collect()
    }

    /// Those of these jobs that are still there.
    pub fn jobs_of(&self, ids: &[JobId]) -> Vec<JobSnapshot> {
        let table = self.core.table.lock();
        ids.iter().filter_map(|id| table.get(*id)).map(JobSnapshot::of).collect()
    }

    /// One job.
    ///
    /// # Errors
    /// [`EngineError::NoSuchJob`].
    pub fn job(&self, id: JobId) -> Result<JobSnapshot, EngineError> {
        self.core.table.lock().get(id).map(JobSnapshot::of).ok_or(EngineError::NoSuchJob(id))
    }

    /// One job with what only the details pane shows.
    ///
    /// # Errors
    /// [`EngineError::NoSuchJob`]; [`EngineError::Store`] if the log cannot be read.
    pub async fn detail(&self, id: JobId) -> Result<JobDetail, EngineError> {
        let (job, speed, claims) = {
            let table = self.core.table.lock();
            let entry = table.get(id).ok_or(EngineError::NoSuchJob(id))?;
            let speed = entry.active.as_ref().map(|active| active.meter.samples()).unwrap_or_default();
            (JobSnapshot::of(entry), speed, entry.progress().claims())
        };
        let segments = match claims {
            Some(claims) => claims.snapshot(),
            None => self.stored_segments(&job).await?,
        };
        let log = self.core.store.log(id).await?;
        Ok(JobDetail { job, segments, speed, log, proof: self.core.proofs.of(id) })
    }

    async fn stored_segments(&self, job: &JobSnapshot) -> Result<Vec<SegmentSnapshot>, EngineError> {
        let map = match (&job.phase, job.progress.length) {
            (Phase::Completed, Some(length)) => {
                let mut map = SegmentMap::whole(length);
                // Fails only for an empty file, which has no segment to fill.
                let _ = map.advance(0, length);
                Some(map)
            }
            _ => match self.core.store.segments(job.id).await {
                // A job whose map is damaged begins anew; it is shown all the same.
                Err(error) if error.is_damage() => None,
                read => read?,
            },
        };
        let at_rest = |segment: &_| SegmentSnapshot { segment: *segment, is_active: false };
        Ok(map.map(|map| map.segments().iter().map(at_rest).collect()).unwrap_or_default())
    }

    /// Returns when something has changed since the last [`Engine::take_changes`]. One waiter only.
    pub async fn changed(&self) {
        self.core.changed.notified().await;
    }

    /// Returns when the last job that ran or waited is over, or already was since the last call. One waiter only.
    pub async fn idle(&self) {
        self.core.idle.notified().await;
    }

    /// Takes what changed since the last call. After a change of a hundred thousand jobs that is much: see
    /// [`Engine::changes`].
    pub fn take_changes(&self) -> Changes {
        Changes::take(&mut self.core.table.lock())
    }

    /// Number of jobs that [`Engine::take_changes`] would tell of.
    pub fn changes(&self) -> usize {
        self.core.table.lock().changes()
    }

    /// Forgets what changed since the last call.
    pub fn forget_changes(&self) {
        self.core.table.lock().take_changes();
    }

    /// Measures the running jobs: how far each is and how fast. To be called a few times a second, by one caller.
    pub fn measure(&self) -> Vec<ProgressSnapshot> {
        let now = Instant::now();
        let mut table = self.core.table.lock();
        let active: Vec<_> = table.active().iter().copied().collect();
        let measured = active.into_iter().filter_map(|id| {
            table.touch(id, |entry| {
                let moved = entry.progress().moved();
                if let Some(active) = &mut entry.active {
                    active.rate = active.meter.tick(now, moved);
                }
                ProgressSnapshot::of(entry)
            })
        });
        measured.collect()
    }

    /// Number of jobs that run, and of jobs that wait for a place or for their next try.
    pub fn counts(&self) -> (usize, usize) {
        let table = self.core.table.lock();
        (table.active().len(), table.waiting_count())
    }

    /// True where the schedule lets nothing move now.
    pub fn schedule_pauses(&self) -> bool {
        self.core.timetable.pauses()
    }

    /// The limits that hold at this moment, by the settings or the schedule.
    pub fn limits_in_force(&self) -> LimitsInForce {
        self.core.limits_in_force()
    }

    /// The downloads from one of these addresses, the oldest first. An address is compared as a whole, secrets and all.
    pub fn downloads_from(&self, addresses: &HashSet<SafeUrl>) -> Vec<JobId> {
        let table = self.core.table.lock();
        let is_wanted = |entry: &&Entry| match entry.spec().transfer {
            Transfer::Download { from, .. } => addresses.contains(&from),
            Transfer::Upload { .. } => false,
        };
        table.iter().filter(is_wanted).map(|entry| entry.id).collect()
    }

    /// Servers with what is known of them, the most recently used first.
    pub fn servers(&self) -> Vec<ServerSnapshot> {
        self.core.hosts.snapshots()
    }

    /// The saved upload targets.
    pub async fn targets(&self) -> Result<Vec<SavedTarget>, EngineError> {
        Ok(self.core.store.targets().await?)
    }

    /// Saves an upload target.
    pub async fn save_target(&self, name: String, target: UploadTarget) -> Result<SavedTarget, EngineError> {
        Ok(self.core.store.save_target(name, target).await?)
    }

    /// Forgets a saved upload target; `false` if there was none.
    pub async fn remove_target(&self, id: SavedTargetId) -> Result<bool, EngineError> {
        Ok(self.core.store.remove_target(id).await?)
    }

    /// Whether a driver speaks the scheme of `from`; asked before a job is added.
    pub fn can_download(&self, from: &SafeUrl) -> Result<(), ropeway_drivers::DriverError> {
        self.core.drivers.for_download(from).map(drop)
    }
}
