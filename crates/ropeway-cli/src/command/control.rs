//! The way to the desktop app or daemon that runs the user's queue.

use std::collections::HashSet;

use ropeway_api::{
    command::{Call, Nothing},
    error::{ApiCode, ApiError},
    view::{DirectionView, JobView, PhaseView, Snapshot},
};
use ropeway_control::{Client, ClientError};
use ropeway_files::Folders;
use serde::de::DeserializeOwned;

use crate::{command::job_ids::JobIds, error::CommandError, output::hint::next_command};

/// The running queue.
#[derive(Debug)]
pub(crate) struct Running {
    client: Client,
}

impl Running {
    /// Finds who runs this user's queue.
    ///
    /// # Errors
    /// [`CommandError::Control`] if nobody does.
    pub(crate) async fn find() -> Result<Self, CommandError> {
        let folders = Folders::of_this_user()?;
        // The kernel knows who lives: what a killed one has left leads to whoever has its port by now.
        if !ropeway_api::is_running(&folders.data).unwrap_or(true) {
            return Err(ClientError::NotRunning.into());
        }
        Ok(Self { client: Client::connect(&folders.data).await? })
    }

    /// The page's address, with the secret that opens it.
    pub(crate) fn page(&self) -> String {
        self.client.page()
    }

    /// Carries a call out there.
    ///
    /// # Errors
    /// [`CommandError::Call`] if the engine refuses it.
    pub(crate) async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, CommandError> {
        Ok(self.client.call(call).await?)
    }

    /// Everything there is.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, CommandError> {
        self.call(Call::Snapshot(Nothing {})).await
    }

    /// The numbers of the jobs that are meant, all of which exist.
    ///
    /// # Errors
    /// [`CommandError::Call`] with `NOT_FOUND` for a number without a job.
    pub(crate) async fn job_ids(&self, wanted: &JobIds) -> Result<Vec<i64>, CommandError> {
        let snapshot = self.snapshot().await?;
        match wanted.missing(&snapshot.jobs) {
            Some(id) => Err(not_found(id)),
            None => Ok(wanted.among(&snapshot.jobs)),
        }
    }

    /// The numbers of the jobs that are meant and that something may still become of; with `all`, those at their end are
    /// passed over.
    ///
    /// # Errors
    /// As [`Self::job_ids`], and [`CommandError::Call`] with `WRONG_PHASE` for a job that is at its end.
    pub(crate) async fn open_job_ids(&self, wanted: &JobIds) -> Result<Vec<i64>, CommandError> {
        self.numbers_without(wanted, at_end).await
    }

    /// The same without those that have stopped for good: there is nothing of them to be paused.
    ///
    /// # Errors
    /// As [`Self::open_job_ids`], also for a job that has failed.
    pub(crate) async fn moving_job_ids(&self, wanted: &JobIds) -> Result<Vec<i64>, CommandError> {
        self.numbers_without(wanted, |job| at_end(job).or_else(|| stopped(job))).await
    }

    async fn numbers_without(
        &self,
        wanted: &JobIds,
        refusal: fn(&JobView) -> Option<ApiError>,
    ) -> Result<Vec<i64>, CommandError> {
        let mut jobs = self.snapshot().await?.jobs;
        if let Some(id) = wanted.missing(&jobs) {
            return Err(not_found(id));
        }
        if wanted.is_all() {
            jobs.retain(|job| refusal(job).is_none());
        }
        let ids: HashSet<i64> = wanted.among(&jobs).into_iter().collect();
        match jobs.iter().filter(|job| ids.contains(&job.id)).find_map(refusal) {
            Some(refusal) => Err(CommandError::Call(refusal)),
            None => Ok(wanted.among(&jobs)),
        }
    }
}

/// Whether nothing becomes of the job any more.
pub(crate) const fn is_at_end(phase: &PhaseView) -> bool {
    matches!(phase, PhaseView::Completed | PhaseView::Canceled)
}

/// What is said of a job that is over.
fn at_end(job: &JobView) -> Option<ApiError> {
    let message = format!("job {} is at its end: nothing of it can be changed", job.id);
    // Without the flag `add` passes over what the queue has.
    let hint = match job.direction {
        DirectionView::Download => "Add its address with `ropeway add --again` to have it anew.",
        DirectionView::Upload => "Add it again to have it sent anew.",
    };
    is_at_end(&job.phase).then(|| ApiError::new(ApiCode::WrongPhase, message, hint))
}

/// What is said of a job that has stopped by itself.
fn stopped(job: &JobView) -> Option<ApiError> {
    let is_stopped = matches!(job.phase, PhaseView::Failed { .. } | PhaseView::LinkExpired { .. });
    let message = format!("job {} has failed: it has stopped already", job.id);
    let next = next_command(job).unwrap_or_default();
    is_stopped
        .then(|| ApiError::new(ApiCode::WrongPhase, message, format!("Next: {next}, or ropeway remove {}.", job.id)))
}

/// There is no job with this number.
pub(crate) fn not_found(id: i64) -> CommandError {
    let message = format!("there is no job {id}");
    CommandError::Call(ApiError::new(ApiCode::NotFound, message, "It may have been removed: look at the list again."))
}
