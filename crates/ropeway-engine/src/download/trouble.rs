//! Why a worker ended before its segment did.

use std::time::Duration;

use ropeway_drivers::DriverError;
use ropeway_model::{FailureCode, Retry, SafeUrl, SegmentError};

use crate::{
    attempt::Stop,
    disk::DiskError,
    hosts::{Held, HostKey, Outcome},
};

/// A connection that is silent for this long is given up. Only waiting for the network counts, never our own throttle.
/// Where others move meanwhile, it is replaced much sooner.
pub(super) const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// Why a worker ended before its segment did.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The network or the server.
    Driver(DriverError),
    /// The disk: the whole job stops.
    Disk(DiskError),
    /// No byte for too long.
    Silent,
    /// The server ended the body cleanly before the end, without a byte of progress.
    Short,
    /// The server told somebody not to come before a certain time.
    Held(Held),
    /// A mistake of ours.
    Segments(SegmentError),
}

/// A worker that ended in trouble.
#[derive(Debug)]
pub(super) struct Loss {
    /// Whose connection it had.
    pub(super) server: HostKey,
    /// Whether another worker has what this one was to fetch.
    pub(super) is_covered: bool,
    /// Whether this worker had been served before: then a refusal may mean only that the server has not yet noticed the
    /// end of its last connection.
    pub(super) was_served: bool,
    /// Whether it brought bytes of its last segment: then to ask for the rest is no repetition.
    pub(super) has_moved: bool,
    pub(super) trouble: Trouble,
}

impl From<DriverError> for Trouble {
    fn from(error: DriverError) -> Self {
        Self::Driver(error)
    }
}

impl From<DiskError> for Trouble {
    fn from(error: DiskError) -> Self {
        Self::Disk(error)
    }
}

impl From<Held> for Trouble {
    fn from(held: Held) -> Self {
        Self::Held(held)
    }
}

impl From<SegmentError> for Trouble {
    fn from(error: SegmentError) -> Self {
        Self::Segments(error)
    }
}

impl Trouble {
    /// Whether the server has shown that it does not bear another connection, instead of one having broken.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Driver(
                DriverError::Status { .. }
                    | DriverError::ConnectionRefused { .. }
                    | DriverError::ConnectTimeout { .. }
                    | DriverError::Silent { .. }
            )
        )
    }

    /// What it tells of the server.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Driver(error) => Outcome::of(error),
            Self::Silent => Some(Outcome::Broken),
            Self::Disk(_) | Self::Short | Self::Held(_) | Self::Segments(_) => None,
        }
    }

    /// Whether the same request would be answered so again: what it was for is left to the stream before it. A link that
    /// works once serves its one stream to the end and refuses every other.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::Driver(DriverError::RangeIgnored { .. }) => true,
            Self::Driver(error @ DriverError::Status { .. }) => error.retry() == Retry::Never,
            _ => false,
        }
    }

    /// When the same may be tried again while others work on.
    pub(super) fn retry(&self) -> Retry {
        match self {
            // Others are being served: what one request got is no verdict on the job.
            Self::Driver(error) => match error.retry() {
                after @ Retry::After(_) => after,
                Retry::Never | Retry::Now | Retry::Backoff => Retry::Backoff,
            },
            Self::Held(held) => Retry::After(held.wait),
            Self::Disk(_) | Self::Silent | Self::Short | Self::Segments(_) => Retry::Backoff,
        }
    }

    /// What the whole try ends with when this was its last worker.
    pub(super) fn into_stop(self, url: &SafeUrl) -> Stop {
        match self {
            Self::Driver(error) => error.into(),
            Self::Disk(error) => error.into(),
            Self::Held(held) => held.into(),
            Self::Silent => Stop::failed(
                FailureCode::IdleTimeout,
                format!("{} sent nothing for {} s", url.host(), LONGEST_SILENCE.as_secs()),
            ),
            Self::Short => {
                Stop::failed(FailureCode::LengthMismatch, format!("{} ended before the file was whole", url.host()))
            }
            Self::Segments(error) => Stop::failed(FailureCode::Internal, error.to_string()),
        }
    }
}
