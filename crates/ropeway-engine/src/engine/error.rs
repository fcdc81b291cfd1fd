//! Why the engine refused a request.

use ropeway_drivers::DriverError;
use ropeway_flow::disk::DiskError;
use ropeway_model::{Failure, FailureCode, JobId, PhaseKind};
use ropeway_store::StoreError;

/// A refused request.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No job of this number.
    #[error("there is no job {0}")]
    NoSuchJob(JobId),
    /// The job cannot do that now.
    #[error("job {id} is {}", words(*phase))]
    WrongPhase {
        /// The job.
        id: JobId,
        /// What it is doing.
        phase: PhaseKind,
    },
    /// The job is an upload.
    #[error("job {0} is an upload")]
    NotADownload(JobId),
    /// The durable queue failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A change could not be made durable.
    #[error("the change could not be saved: {0}")]
    NotDurable(String),
    /// There are no block digests of the job's file.
    #[error("nothing is recorded of job {0} that its file could be compared with")]
    NothingRecorded(JobId),
    /// A file could not be read or written.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The server could not be asked, or did not answer as it should.
    #[error(transparent)]
    Remote(DriverError),
    /// Nothing may reach the network before the user has said something.
    #[error("nothing is transferred before the settings are mended")]
    Held,
    /// The engine is shutting down.
    #[error("the engine is shutting down")]
    Stopping,
}

/// A phase as a user reads it.
const fn words(phase: PhaseKind) -> &'static str {
    match phase {
        PhaseKind::Queued => "queued",
        PhaseKind::Probing => "connecting",
        PhaseKind::Running => "running",
        PhaseKind::Waiting => "waiting for its next try",
        PhaseKind::Blocked => "waiting for a blocker to go",
        PhaseKind::LinkExpired => "without a link that works",
        PhaseKind::Paused => "paused",
        PhaseKind::Verifying => "being verified",
        PhaseKind::Completed => "complete",
        PhaseKind::Canceled => "canceled",
        PhaseKind::Failed => "failed",
    }
}

impl EngineError {
    /// Failure of what would have been a job.
    pub(crate) fn failure(&self) -> Failure {
        Failure::new(self.code(), self.to_string())
    }

    /// The reason in the closed list.
    pub fn code(&self) -> FailureCode {
        match self {
            Self::Store(_) | Self::NotDurable(_) | Self::Held => FailureCode::StateFailed,
            Self::Disk(error) => error.code(),
            Self::Remote(error) => error.code(),
            Self::NothingRecorded(_)
            | Self::NoSuchJob(_)
            | Self::WrongPhase { .. }
            | Self::NotADownload(_)
            | Self::Stopping => FailureCode::Internal,
        }
    }
}
