//! Why a try ended otherwise than well, and what that tells of its server.

use ropeway_drivers::{DriverError, Meaning};
use ropeway_flow::disk::DiskError;
use ropeway_model::{Blocker, Failure, FailureCode, Retry};

use super::Finished;
use crate::hosts::{HostKey, Verdict};

/// End of a try otherwise than well.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The user or the shutdown wished so.
    Interrupted,
    /// It failed, `at` a server where one is to blame.
    Failed { failure: Failure, retry: Retry, at: Option<HostKey> },
    /// A redirect led `to` a server that is left alone: the job waits for that one's turn.
    RedirectedTo { to: HostKey, failure: Failure },
    /// The address leads to no file: a failure at first contact, an expired link where bytes of the file are here.
    NoFile { failure: Failure, retry: Retry },
    /// Something stands in the way that is not ours to mend.
    Blocked { by: Blocker, failure: Failure },
}

impl Stop {
    /// A failure with the retry class of its code.
    pub(crate) fn failed(code: FailureCode, message: impl Into<String>) -> Self {
        Self::Failed { failure: Failure::new(code, message), retry: code.retry(), at: None }
    }
}

impl From<DriverError> for Stop {
    fn from(error: DriverError) -> Self {
        match error {
            DriverError::Canceled => Self::Interrupted,
            other if other.meaning() == Meaning::NoFile => {
                Self::NoFile { failure: other.failure(), retry: other.retry() }
            }
            DriverError::LeftAlone { ref host } => {
                Self::RedirectedTo { to: HostKey::new(host), failure: error.failure() }
            }
            other => {
                let at = other.host().as_deref().map(HostKey::new);
                Self::Failed { failure: other.failure(), retry: other.retry(), at }
            }
        }
    }
}

impl From<DiskError> for Stop {
    fn from(error: DiskError) -> Self {
        Self::Failed { retry: error.code().retry(), failure: error.failure(), at: None }
    }
}

/// Verdict of a try on its server.
pub(super) fn verdict(outcome: &Result<Finished, Stop>, progressed: bool) -> Verdict {
    match outcome {
        Ok(_) => Verdict::Well,
        Err(_) if progressed => Verdict::Well,
        Err(Stop::NoFile { .. }) => Verdict::Well,
        Err(Stop::Failed { failure, retry, .. }) => Verdict::of(failure.code, *retry),
        Err(Stop::Interrupted | Stop::Blocked { .. } | Stop::RedirectedTo { .. }) => Verdict::Nothing,
    }
}

/// The server that the try ended at, where that may be another than it began with.
pub(super) fn ended_at(outcome: &Result<Finished, Stop>) -> Option<HostKey> {
    match outcome {
        Err(Stop::Failed { at, .. }) => at.clone(),
        Err(Stop::RedirectedTo { to, .. }) => Some(to.clone()),
        Ok(_) | Err(Stop::Interrupted | Stop::NoFile { .. } | Stop::Blocked { .. }) => None,
    }
}
