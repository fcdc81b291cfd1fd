//! What happened at a server, in the words that caps, breaker and profile are moved by.

use std::time::Duration;

use ropeway_drivers::DriverError;
use ropeway_model::{FailureCode, Retry};

/// What became of one request or connection.
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

/// What a whole try tells of its server.
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
        match error {
            DriverError::Status { status: 429 | 503, .. } | DriverError::Overloaded { .. } => Some(Self::Overloaded),
            DriverError::Status { status: 500..=599, .. }
            | DriverError::ConnectionRefused { .. }
            | DriverError::ConnectTimeout { .. }
            | DriverError::ConnectionLost { .. }
            | DriverError::Silent { .. } => Some(Self::Broken),
            DriverError::Unconfirmed { cause } => Self::of(cause),
            DriverError::Status { .. }
            | DriverError::AnsweredEarly { .. }
            | DriverError::PageInstead { .. }
            | DriverError::RangeIgnored { .. }
            | DriverError::RangeUnsatisfiable { .. }
            | DriverError::RemoteChanged { .. }
            | DriverError::NoContent { .. }
            | DriverError::ContentCoding { .. }
            | DriverError::RedirectRefused { .. } => Some(Self::Answered { latency: None }),
            // All jobs that share a connection lose it at once: that says nothing of how many the server bears.
            DriverError::StreamLost { .. }
            | DriverError::NameNotResolved { .. }
            | DriverError::TooManyOpen { .. }
            | DriverError::TooNear { .. }
            | DriverError::Tls { .. }
            | DriverError::Handshake { .. }
            | DriverError::Proxy { .. }
            | DriverError::ProxyLogin { .. }
            | DriverError::ProxyMethod { .. }
            | DriverError::ProxyVariable { .. }
            | DriverError::CaFile { .. }
            | DriverError::CredentialFile { .. }
            | DriverError::BadResponse { .. }
            | DriverError::Body(_)
            | DriverError::SchemeUnsupported { .. }
            | DriverError::LeftAlone { .. }
            | DriverError::Canceled => None,
        }
    }
}

impl Verdict {
    /// What a failed try tells of its server.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_of_its_server_what_the_server_has_part_in() {
        let status = |status| {
            let url = "https://files.example/a".parse().unwrap();
            DriverError::Status { url, status, retry_after: None, words: None }
        };
        let (host, reason) = ("files.example".to_owned(), "it broke".to_owned());
        let refused = DriverError::ConnectionRefused { host: host.clone() };
        for (error, expected) in [
            (status(429), Some(Outcome::Overloaded)),
            (status(503), Some(Outcome::Overloaded)),
            (DriverError::Overloaded { host: host.clone() }, Some(Outcome::Overloaded)),
            (status(500), Some(Outcome::Broken)),
            (status(599), Some(Outcome::Broken)),
            (DriverError::Unconfirmed { cause: Box::new(refused) }, Some(Outcome::Broken)),
            (status(404), Some(Outcome::Answered { latency: None })),
            (DriverError::StreamLost { host: host.clone(), reason }, None),
            (DriverError::NameNotResolved { host }, None),
            (DriverError::Canceled, None),
        ] {
            assert_eq!(Outcome::of(&error), expected, "{error}");
        }
    }
}
