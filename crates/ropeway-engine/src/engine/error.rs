//! Why the engine refused a request.

use ropeway_model::{FailureCode, JobId, PhaseKind};
use ropeway_store::StoreError;

/// A refused request.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No job of this number.
    #[error("there is no job {0}")]
    NoSuchJob(JobId),
    /// The job cannot do that now.
    #[error("job {id} is {phase:?}")]
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
    /// The engine is shutting down.
    #[error("the engine is shutting down")]
    Stopping,
}

impl EngineError {
    /// The reason in the closed list.
    pub fn code(&self) -> FailureCode {
        match self {
            Self::Store(_) | Self::NotDurable(_) => FailureCode::StateFailed,
            Self::NoSuchJob(_) | Self::WrongPhase { .. } | Self::NotADownload(_) | Self::Stopping => {
                FailureCode::Internal
            }
        }
    }
}
