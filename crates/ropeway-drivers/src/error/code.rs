//! Errors on the wire as failures of a job. Each has a code, a time to come back, and the server that it is about.

use ropeway_model::{Failure, FailureCode, Retry};

use super::{DriverError, code_of_status};

impl DriverError {
    /// The reason in the closed list.
    pub fn code(&self) -> FailureCode {
        match self {
            Self::NameNotResolved { .. } => FailureCode::NameNotResolved,
            Self::ConnectionRefused { .. } => FailureCode::ConnectionRefused,
            Self::TooManyOpen { .. } => FailureCode::TooManyOpen,
            Self::ConnectTimeout { .. } => FailureCode::ConnectTimeout,
            Self::ConnectionLost { .. } | Self::StreamLost { .. } => FailureCode::ConnectionLost,
            Self::Unconfirmed { .. } => FailureCode::Unconfirmed,
            Self::ExceedsLimit { .. } => FailureCode::TooLargeForServer,
            Self::SessionLost { .. } => FailureCode::ServerUnavailable,
            Self::UploadBusy { .. } => FailureCode::RemoteLocked,
            Self::AnsweredEarly { .. } | Self::OffsetMoved { .. } | Self::DamagedOnTheWay { .. } => {
                FailureCode::BadResponse
            }
            Self::PageInstead { .. } => FailureCode::UnexpectedContent,
            Self::Overloaded { .. } => FailureCode::RateLimited,
            Self::Silent { .. } => FailureCode::IdleTimeout,
            Self::Tls { .. } | Self::CaFile { .. } => FailureCode::TlsFailed,
            Self::Handshake { .. } => FailureCode::TlsRefused,
            Self::Proxy { .. } | Self::ProxyLogin { .. } | Self::ProxyMethod { .. } | Self::ProxyVariable { .. } => {
                FailureCode::ProxyFailed
            }
            Self::CredentialFile { .. } => FailureCode::CredentialFile,
            Self::Status { status, retry_after, words: None, .. } => code_of_status(*status, *retry_after),
            Self::Status { status, retry_after, words: Some(words), .. } => match status {
                403 | 413 | 422 if words.tell_of_room() => FailureCode::RemoteFull,
                409 | 412 => FailureCode::RemoteConflict,
                413 => FailureCode::TooLargeForServer,
                423 => FailureCode::RemoteLocked,
                507 => FailureCode::RemoteFull,
                _ => code_of_status(*status, *retry_after),
            },
            Self::RangeIgnored { .. } | Self::RangeUnsatisfiable { .. } | Self::BadResponse { .. } => {
                FailureCode::BadResponse
            }
            Self::RemoteChanged { .. } => FailureCode::RemoteChanged,
            Self::NoContent { .. } => FailureCode::UnexpectedContent,
            Self::ContentCoding { .. } => FailureCode::ContentCoding,
            Self::RedirectRefused { .. } | Self::PrivateAddressBlocked { .. } => FailureCode::RedirectRefused,
            Self::LeftAlone { .. } => FailureCode::ServerUnavailable,
            Self::Body(_) => FailureCode::DiskFailed,
            Self::SchemeUnsupported { .. } => FailureCode::SchemeUnsupported,
            Self::Canceled => FailureCode::Internal,
        }
    }

    /// When the same request may be sent again.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Status { retry_after: Some(delay), .. } if self.code().retry() != Retry::Never => {
                Retry::After(*delay)
            }
            // The other request ends, or is ended by its server.
            Self::UploadBusy { .. } => Retry::Backoff,
            // It would answer early again; a variable and a login stay as they are.
            Self::AnsweredEarly { .. }
            | Self::ProxyVariable { .. }
            | Self::ProxyLogin { .. }
            | Self::ProxyMethod { .. } => Retry::Never,
            _ => self.code().retry(),
        }
    }

    /// Host and port that it is about. Behind a redirect that is another one than was asked. `None` where the cause is
    /// on this machine or in a proxy.
    pub fn host(&self) -> Option<String> {
        match self {
            Self::NameNotResolved { host }
            | Self::ConnectionRefused { host }
            | Self::ConnectTimeout { host, .. }
            | Self::ConnectionLost { host, .. }
            | Self::StreamLost { host, .. }
            | Self::Overloaded { host }
            | Self::Silent { host, .. }
            | Self::Tls { host, .. }
            | Self::Handshake { host, .. }
            | Self::LeftAlone { host } => Some(host.clone()),
            Self::Unconfirmed { cause } => cause.host(),
            Self::Status { url, .. }
            | Self::ExceedsLimit { url, .. }
            | Self::SessionLost { url }
            | Self::OffsetMoved { url }
            | Self::UploadBusy { url }
            | Self::DamagedOnTheWay { url }
            | Self::AnsweredEarly { url, .. }
            | Self::PageInstead { url, .. }
            | Self::RangeIgnored { url }
            | Self::RangeUnsatisfiable { url, .. }
            | Self::RemoteChanged { url, .. }
            | Self::BadResponse { url, .. }
            | Self::ContentCoding { url, .. }
            | Self::NoContent { url, .. }
            | Self::RedirectRefused { url, .. } => Some(url.host()),
            // Nobody was asked.
            Self::PrivateAddressBlocked { .. }
            | Self::TooManyOpen { .. }
            | Self::Proxy { .. }
            | Self::ProxyLogin { .. }
            | Self::ProxyMethod { .. }
            | Self::ProxyVariable { .. }
            | Self::CaFile { .. }
            | Self::CredentialFile { .. }
            | Self::Body(_)
            | Self::SchemeUnsupported { .. }
            | Self::Canceled => None,
        }
    }

    /// Failure that is stored and shown.
    pub fn failure(&self) -> Failure {
        Failure::new(self.code(), self.to_string()).with_status(self.status())
    }

    /// The HTTP status that the server refused with.
    const fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ServerWords;

    #[test]
    fn a_status_tells_whether_and_when_to_come_back() {
        let hour = Duration::from_secs(3600);
        for (status, retry_after, code, retry) in [
            (400, None, FailureCode::RequestRefused, Retry::Never),
            (401, None, FailureCode::Unauthorized, Retry::Never),
            (403, None, FailureCode::Forbidden, Retry::Never),
            (403, Some(hour), FailureCode::RateLimited, Retry::After(hour)),
            (404, Some(hour), FailureCode::NotFound, Retry::Never),
            (407, None, FailureCode::Unauthorized, Retry::Never),
            (408, None, FailureCode::RateLimited, Retry::Backoff),
            (410, None, FailureCode::Gone, Retry::Never),
            (425, None, FailureCode::RateLimited, Retry::Backoff),
            (429, None, FailureCode::RateLimited, Retry::Backoff),
            (429, Some(hour), FailureCode::RateLimited, Retry::After(hour)),
            (500, None, FailureCode::ServerUnavailable, Retry::Backoff),
            (501, None, FailureCode::RequestRefused, Retry::Never),
            (502, None, FailureCode::ServerUnavailable, Retry::Backoff),
            (503, Some(hour), FailureCode::ServerUnavailable, Retry::After(hour)),
            (504, None, FailureCode::ServerUnavailable, Retry::Backoff),
            (505, None, FailureCode::RequestRefused, Retry::Never),
            (507, None, FailureCode::RequestRefused, Retry::Never),
            (511, None, FailureCode::UnexpectedContent, Retry::Never),
        ] {
            let url = "https://example.org/a".parse().unwrap();
            let error = DriverError::Status { url, status, retry_after, words: None };
            assert_eq!((error.code(), error.retry()), (code, retry), "{status}");
        }
    }

    #[test]
    fn a_refused_upload_is_told_by_what_stands_in_its_way() {
        for (status, code, expected) in [
            (400, "", FailureCode::RequestRefused),
            (401, "", FailureCode::Unauthorized),
            (403, "", FailureCode::Forbidden),
            (403, "QuotaExceeded", FailureCode::RemoteFull),
            (404, "", FailureCode::NotFound),
            (409, "NAME_TAKEN", FailureCode::RemoteConflict),
            (412, "", FailureCode::RemoteConflict),
            (413, "", FailureCode::TooLargeForServer),
            (413, "storageQuotaExceeded", FailureCode::RemoteFull),
            (422, "", FailureCode::RequestRefused),
            (423, "", FailureCode::RemoteLocked),
            (500, "", FailureCode::ServerUnavailable),
            (507, "", FailureCode::RemoteFull),
        ] {
            let words = ServerWords { code: Some(code.to_owned()), ..ServerWords::default() };
            let url = "https://example.org/a".parse().unwrap();
            let error = DriverError::Status { url, status, retry_after: None, words: Some(Box::new(words)) };
            assert_eq!(error.code(), expected, "{status} {code}");
        }
    }
}
