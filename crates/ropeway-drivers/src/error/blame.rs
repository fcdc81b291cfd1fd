//! Blame for an error. It is what moves breakers, caps and profiles of servers.

use super::DriverError;

/// Part of a server in a failed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The server does not want more now.
    Load,
    /// The server broke: it refused, reset, timed out, fell silent, or failed.
    Broken,
    /// The server answered, with a refusal of this one request.
    Answered,
    /// The way to the server, or whoever stands in it.
    Path,
    /// This machine, and what its user asked for.
    Here,
}

impl DriverError {
    /// Part of the server in it.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Status { status: 429 | 503, .. } | Self::Overloaded { .. } => Blame::Load,
            Self::Status { status: 500..=599, .. }
            | Self::ConnectionRefused { .. }
            | Self::ConnectTimeout { .. }
            | Self::ConnectionLost { .. }
            | Self::Silent { .. } => Blame::Broken,
            Self::Unconfirmed { cause } => cause.blame(),
            Self::Status { .. }
            | Self::ExceedsLimit { .. }
            | Self::SessionLost { .. }
            | Self::OffsetMoved { .. }
            | Self::UploadBusy { .. }
            | Self::DamagedOnTheWay { .. }
            | Self::AnsweredEarly { .. }
            | Self::PageInstead { .. }
            | Self::RangeIgnored { .. }
            | Self::RangeUnsatisfiable { .. }
            | Self::RemoteChanged { .. }
            | Self::NoContent { .. }
            | Self::ContentCoding { .. }
            | Self::RedirectRefused { .. } => Blame::Answered,
            // All jobs that share a connection lose it at once: that says nothing of how many the server bears.
            Self::StreamLost { .. }
            | Self::NameNotResolved { .. }
            | Self::PrivateAddressBlocked { .. }
            | Self::Tls { .. }
            | Self::Handshake { .. }
            | Self::Proxy { .. }
            | Self::ProxyLogin { .. }
            | Self::ProxyMethod { .. }
            // What it sends may be a page of the network's.
            | Self::BadResponse { .. }
            | Self::LeftAlone { .. } => Blame::Path,
            Self::TooManyOpen { .. }
            | Self::ProxyVariable { .. }
            | Self::CaFile { .. }
            | Self::CredentialFile { .. }
            | Self::Body(_)
            | Self::SchemeUnsupported { .. }
            | Self::Canceled => Blame::Here,
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
            (status(429), Blame::Load),
            (status(503), Blame::Load),
            (DriverError::Overloaded { host: host.clone() }, Blame::Load),
            (status(500), Blame::Broken),
            (status(599), Blame::Broken),
            (DriverError::Unconfirmed { cause: Box::new(refused) }, Blame::Broken),
            (status(404), Blame::Answered),
            (DriverError::StreamLost { host: host.clone(), reason }, Blame::Path),
            (DriverError::NameNotResolved { host }, Blame::Path),
            (DriverError::Canceled, Blame::Here),
        ] {
            assert_eq!(error.blame(), expected, "{error}");
        }
    }
}
