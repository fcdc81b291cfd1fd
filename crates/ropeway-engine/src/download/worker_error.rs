//! Why a worker ended before its segment did.

use std::time::Duration;

use ropeway_drivers::{DriverError, Turn};
use ropeway_flow::disk::DiskError;
use ropeway_model::{FailureCode, Retry, SafeUrl, SegmentError, Validator};

use crate::{
    attempt::Stop,
    hosts::{HostKey, Outcome, RetryAfter},
};

/// A connection that is silent for this long is given up. Only waiting for the network counts, never our own throttle.
/// Where others move meanwhile, it is replaced much sooner.
pub(super) const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// The same for an answer that cannot be gone on with.
const LONGEST_PACKING: Duration = Duration::from_secs(5 * 60);

/// Why a worker ended before its segment did.
#[derive(Debug)]
pub(super) enum WorkerError {
    /// The network or the server.
    Driver(DriverError),
    /// The disk: the whole job stops.
    Disk(DiskError),
    /// No byte for so long.
    Silent(Duration),
    /// The server ended the body cleanly before the end, without a byte of progress.
    Short,
    /// An answer does not continue what is here.
    Differs {
        /// Who sent it.
        url: SafeUrl,
        /// Before or at which place it was compared.
        at: u64,
    },
    /// The server told somebody not to come before a certain time.
    RetryAfter(RetryAfter),
    /// A mistake of ours.
    Segments(SegmentError),
}

/// A worker that ended before its segment did.
#[derive(Debug)]
pub(super) struct WorkerExit {
    /// Whose connection it had.
    pub(super) server: HostKey,
    /// True where another worker has what this one was to fetch.
    pub(super) is_covered: bool,
    /// Whether this worker had been served before: then a refusal may mean only that the server has not yet noticed the
    /// end of its last connection.
    pub(super) was_served: bool,
    /// Whether it brought bytes of its last segment: then to ask for the rest is no repetition.
    pub(super) has_moved: bool,
    pub(super) error: WorkerError,
}

impl From<DriverError> for WorkerError {
    fn from(error: DriverError) -> Self {
        Self::Driver(error)
    }
}

impl From<DiskError> for WorkerError {
    fn from(error: DiskError) -> Self {
        Self::Disk(error)
    }
}

impl From<RetryAfter> for WorkerError {
    fn from(retry_after: RetryAfter) -> Self {
        Self::RetryAfter(retry_after)
    }
}

impl From<SegmentError> for WorkerError {
    fn from(error: SegmentError) -> Self {
        Self::Segments(error)
    }
}

impl WorkerError {
    /// Whether the server has shown that it does not bear another connection, instead of one having broken.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Driver(error) => refuses_another(error),
            Self::Disk(_)
            | Self::Silent(_)
            | Self::Short
            | Self::Differs { .. }
            | Self::RetryAfter(_)
            | Self::Segments(_) => false,
        }
    }

    /// Outcome for the server.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Driver(error) => Outcome::of(error),
            Self::Silent(_) => Some(Outcome::Broken),
            Self::Disk(_) | Self::Short | Self::Differs { .. } | Self::RetryAfter(_) | Self::Segments(_) => None,
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
            Self::RetryAfter(retry_after) => Retry::After(retry_after.wait),
            Self::Disk(_) | Self::Silent(_) | Self::Short | Self::Differs { .. } | Self::Segments(_) => Retry::Backoff,
        }
    }

    /// End of the whole try when this was its last worker.
    pub(super) fn into_stop(self, url: &SafeUrl) -> Stop {
        match self {
            Self::Driver(error) => error.into(),
            Self::Disk(error) => error.into(),
            Self::RetryAfter(retry_after) => retry_after.into(),
            Self::Silent(waited) => Stop::failed(
                FailureCode::IdleTimeout,
                format!("a connection to {} brought nothing for {} s", url.host(), waited.as_secs()),
            ),
            Self::Short => {
                Stop::failed(FailureCode::LengthMismatch, format!("{} ended before the file was whole", url.host()))
            }
            Self::Differs { url, at } => Stop::failed(FailureCode::BadResponse, differs(&url, at)),
            Self::Segments(error) => Stop::failed(FailureCode::Internal, error.to_string()),
        }
    }
}

/// Whether a request that ended so was one too many, and not one that broke or was wrong in itself.
const fn refuses_another(error: &DriverError) -> bool {
    match error {
        DriverError::Status { .. }
        | DriverError::ExceedsLimit { .. }
        | DriverError::SessionLost { .. }
        | DriverError::OffsetMoved { .. }
        | DriverError::UploadBusy { .. }
        | DriverError::DamagedOnTheWay { .. }
        | DriverError::Overloaded { .. }
        | DriverError::TooManyOpen { .. }
        | DriverError::ConnectionRefused { .. }
        | DriverError::ConnectTimeout { .. }
        | DriverError::Silent { turn: Turn::Answer | Turn::Take, .. } => true,
        DriverError::NameNotResolved { .. }
        | DriverError::ConnectionLost { .. }
        // It was borne until then.
        | DriverError::Silent { turn: Turn::Send, .. }
        | DriverError::StreamLost { .. }
        | DriverError::Tls { .. }
        | DriverError::Handshake { .. }
        | DriverError::Proxy { .. }
        | DriverError::ProxyLogin { .. }
        | DriverError::ProxyMethod { .. }
        | DriverError::ProxyVariable { .. }
        | DriverError::CaFile { .. }
        | DriverError::CredentialFile { .. }
        | DriverError::AnsweredEarly { .. }
        | DriverError::PageInstead { .. }
        | DriverError::Unconfirmed { .. }
        | DriverError::RangeIgnored { .. }
        | DriverError::RangeUnsatisfiable { .. }
        | DriverError::RemoteChanged { .. }
        | DriverError::BadResponse { .. }
        | DriverError::ContentCoding { .. }
        | DriverError::NoContent { .. }
        | DriverError::PrivateAddressBlocked { .. }
        | DriverError::RedirectRefused { .. }
        | DriverError::LeftAlone { .. }
        | DriverError::Body(_)
        | DriverError::SchemeUnsupported { .. }
        | DriverError::Canceled => false,
    }
}

/// What is said of an answer from `url` that does not continue what is here, as was seen before byte `at`.
pub(super) fn differs(url: &SafeUrl, at: u64) -> String {
    format!("{url} sends other bytes before {at} than those that are here")
}

/// Longest silence of an answer. One that is made for whoever asks, as folders are packed, has no name for its version
/// and cannot be gone on with: to ask again is to begin again, for the server too.
pub(crate) fn patience(valid: &Validator, serves_ranges: bool, refuses_ranges: bool) -> Duration {
    if refuses_ranges || is_unnamed(valid) && !serves_ranges { LONGEST_PACKING } else { LONGEST_SILENCE }
}

/// True where nothing names the version.
pub(super) fn is_unnamed(valid: &Validator) -> bool {
    valid.entity_tag.is_none() && valid.last_modified.is_none()
}

/// Whether an answer is so surely made for whoever asks that its server is not asked for the rest of it: it knows not even
/// its length.
pub(crate) fn is_made_anew(valid: &Validator, offers_ranges: bool) -> bool {
    is_unnamed(valid) && valid.length.is_none() && !offers_ranges
}

#[cfg(test)]
mod tests {
    use ropeway_model::EntityTag;

    use super::*;

    #[test]
    fn what_cannot_be_gone_on_with_may_be_silent_for_longer() {
        let named = Validator { entity_tag: EntityTag::parse("\"1\""), ..Validator::default() };
        let (minute, five) = (Duration::from_secs(60), Duration::from_secs(300));
        for (valid, serves, refuses, expected) in [
            (&named, false, false, minute),
            (&named, true, false, minute),
            (&named, false, true, five),
            (&Validator::default(), false, false, five),
            (&Validator::default(), true, false, minute),
        ] {
            assert_eq!(patience(valid, serves, refuses), expected, "{valid} {serves} {refuses}");
        }
    }
}
