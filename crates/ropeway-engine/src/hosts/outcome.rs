//! What happened at a server, in the words that caps, breaker and profile are moved by.

use std::time::Duration;

use ropeway_drivers::{Blame, DriverError};
use ropeway_model::{FailureCode, Retry};

/// Outcome of one request or connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The server answered after this long, with what was asked for or with a refusal of this one request.
    Answered { latency: Option<Duration> },
    /// A transfer moved so many bytes in this time.
    Moved { bytes: u64, elapsed: Duration },
    /// The server does not want more now: 429, 503.
    Overloaded,
    /// The connection was refused or reset, timed out or fell silent, or the server failed.
    Broken,
}

/// Verdict of a whole try on its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is there.
    Well,
    /// The try failed at it.
    Ill(Fault),
    /// Nothing: the try was stopped, or failed on this machine.
    Nothing,
}

/// Fault of a failed try, by how much of the server it speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nobody listens: no job can be served, and asking costs neither side anything.
    Refused,
    /// The server could not be reached: no job can.
    Unreached,
    /// The server was reached and failed at what one job asked for; it may have said when to come back.
    OfAddress { after: Option<Duration> },
}

impl Outcome {
    /// What a failed request tells of its server; `None` where it tells nothing.
    pub(crate) fn of(error: &DriverError) -> Option<Self> {
        match error.blame() {
            Blame::Load => Some(Self::Overloaded),
            Blame::Broken => Some(Self::Broken),
            Blame::Answered => Some(Self::Answered { latency: None }),
            Blame::Path | Blame::Here => None,
        }
    }
}

impl Verdict {
    /// Verdict of a failed try on its server.
    pub(crate) fn of(code: FailureCode, retry: Retry) -> Self {
        let after = if let Retry::After(after) = retry { Some(after) } else { None };
        match code {
            FailureCode::ConnectionRefused => Self::Ill(Fault::Refused),
            FailureCode::NameNotResolved | FailureCode::ConnectTimeout => Self::Ill(Fault::Unreached),
            FailureCode::ConnectionLost
            | FailureCode::IdleTimeout
            | FailureCode::RateLimited
            | FailureCode::ServerUnavailable => Self::Ill(Fault::OfAddress { after }),
            FailureCode::NotFound
            | FailureCode::Gone
            | FailureCode::Unauthorized
            | FailureCode::Forbidden
            | FailureCode::RequestRefused
            | FailureCode::RemoteConflict
            | FailureCode::RemoteFull
            | FailureCode::RemoteLocked
            | FailureCode::TooLargeForServer
            | FailureCode::UnexpectedContent
            | FailureCode::RemoteChanged
            | FailureCode::RedirectRefused => Self::Well,
            // The way there, or whoever stands in it.
            FailureCode::ProxyFailed
            | FailureCode::TlsFailed
            | FailureCode::TlsRefused
            // What it sends, which may be a page of the network's.
            | FailureCode::BadResponse
            | FailureCode::ContentCoding
            | FailureCode::LengthMismatch
            | FailureCode::DigestMismatch
            | FailureCode::RenewedLinkDiffers
            | FailureCode::Unconfirmed
            | FailureCode::StoredDiffers
            // This machine, and what its user asked for.
            | FailureCode::CredentialFile
            | FailureCode::DiskFull
            | FailureCode::TooManyOpen
            | FailureCode::PartMissing
            | FailureCode::FileTooLarge
            | FailureCode::PermissionDenied
            | FailureCode::FolderMissing
            | FailureCode::DiskFailed
            | FailureCode::FileExists
            | FailureCode::PartInUse
            | FailureCode::SourceMissing
            | FailureCode::NotAFile
            | FailureCode::NamesCollide
            | FailureCode::SourceChanged
            | FailureCode::UrlMalformed
            | FailureCode::SchemeUnsupported
            | FailureCode::StateFailed
            | FailureCode::Internal => Self::Nothing,
        }
    }
}
