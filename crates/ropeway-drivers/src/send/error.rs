//! Errors of the network stack, each as a [`DriverError`]. They are found by the types of the causes, never by their
//! text.

use std::{error::Error, io};

use hyper_util::client::legacy;
use reqwest::Response;
use ropeway_model::SafeUrl;
use rustls::{AlertDescription, CertificateError};

use super::fault::Fault;
use crate::{
    DriverError,
    client::{FramingError, LoginRefusal, NameError, NearError, connect_timeout, login_refusal},
};

/// Request that got no answer, as its client tells it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error(transparent)]
    Library(reqwest::Error),
    #[error(transparent)]
    Direct(legacy::Error),
}

impl RequestError {
    /// True where there was no connection to send it over.
    pub(super) fn is_connect(&self) -> bool {
        match self {
            Self::Library(error) => error.is_connect(),
            Self::Direct(error) => error.is_connect(),
        }
    }

    /// Whether it could not be sent anywhere.
    fn is_builder(&self) -> bool {
        match self {
            Self::Library(error) => error.is_builder(),
            Self::Direct(_) => false,
        }
    }

    fn is_timeout(&self) -> bool {
        match self {
            Self::Library(error) => error.is_timeout(),
            Self::Direct(_) => false,
        }
    }
}

/// A response that cannot be used.
pub(crate) fn bad(url: &SafeUrl, reason: impl Into<String>) -> DriverError {
    DriverError::BadResponse { url: url.clone(), reason: reason.into() }
}

/// The error of an answer whose status is no success.
pub(crate) fn of_status(url: SafeUrl, response: &Response) -> DriverError {
    let retry_after = super::retry_after(response);
    DriverError::Status { url, status: response.status().as_u16(), retry_after, words: None }
}

/// Fault of a stream, where the request went over HTTP/2. On a connection that `is_shared` whatever breaks it is that,
/// and the library tells it without a word of HTTP/2.
pub(crate) fn fault_of_request(error: &RequestError, is_shared: bool) -> Option<Fault> {
    fault(error, is_shared && !error.is_connect() && !error.is_builder())
}

/// Fault of a stream, for the body of an answer.
pub(crate) fn fault_of_body(error: &reqwest::Error, is_shared: bool) -> Option<Fault> {
    fault(error, is_shared)
}

fn fault(error: &(dyn Error + 'static), is_of_shared: bool) -> Option<Fault> {
    match find::<h2::Error>(error) {
        Some(cause) => Some(Fault::of(cause)),
        None => is_of_shared.then_some(Fault::ConnectionLost),
    }
}

/// The error of a request to `host` whose stream went wrong.
fn of_stream(host: String, fault: Fault, error: &(dyn Error + 'static)) -> DriverError {
    match fault {
        Fault::Overloaded => DriverError::Overloaded { host },
        Fault::Unprocessed { .. }
        | Fault::WantsHttp1
        | Fault::ConnectionLost
        | Fault::Protocol
        | Fault::Silent
        | Fault::StreamEnded => DriverError::StreamLost { host, reason: innermost(error) },
    }
}

/// Error of a request to `url` that got no answer. `fault` is that of its stream, if it had one.
pub(crate) fn of_request(
    url: &SafeUrl,
    proxy: Option<&SafeUrl>,
    error: &RequestError,
    fault: Option<Fault>,
) -> DriverError {
    let host = url.host();
    if let Some(cause) = find::<rustls::Error>(error) {
        let reason = tls_reason(cause);
        return match cause {
            rustls::Error::InvalidCertificate(_) => DriverError::Tls { host, reason },
            _ => DriverError::Handshake { host, reason },
        };
    }
    if let Some(wrong) = find::<io::Error>(error).filter(|error| ropeway_files::are_too_many_open(error)) {
        return DriverError::TooManyOpen { host, reason: wrong.to_string() };
    }
    if let Some(wrong) = find::<FramingError>(error) {
        return bad(url, wrong.to_string());
    }
    if error.is_connect()
        && let Some(proxy) = proxy
    {
        let (proxy, reason) = (proxy.clone(), innermost(error));
        return match causes(error).find_map(login_refusal) {
            Some(LoginRefusal::Login) => DriverError::ProxyLogin { proxy },
            Some(LoginRefusal::NoMethod) => DriverError::ProxyMethod { proxy },
            None => DriverError::Proxy { proxy, reason },
        };
    }
    if find::<NearError>(error).is_some() {
        return DriverError::PrivateAddressBlocked { url: url.clone() };
    }
    if find::<NameError>(error).is_some() {
        return DriverError::NameNotResolved { host };
    }
    if let Some(fault) = fault {
        return of_stream(host, fault, error);
    }
    let kind = find::<io::Error>(error).map(io::Error::kind);
    if error.is_connect() && (error.is_timeout() || kind == Some(io::ErrorKind::TimedOut)) {
        return DriverError::ConnectTimeout { host, waited_s: connect_timeout().as_secs() };
    }
    if kind == Some(io::ErrorKind::ConnectionRefused) {
        return DriverError::ConnectionRefused { host };
    }
    if error.is_builder() || find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
        return bad(url, innermost(error));
    }
    DriverError::ConnectionLost { host, reason: innermost(error) }
}

/// Error of a body from `url` that broke off. `fault` is that of its stream, if it had one.
pub(crate) fn of_body(url: &SafeUrl, error: &reqwest::Error, fault: Option<Fault>) -> DriverError {
    match fault {
        Some(fault) => of_stream(url.host(), fault, error),
        None if is_malformed(error) => bad(url, innermost(error)),
        None => DriverError::ConnectionLost { host: url.host(), reason: innermost(error) },
    }
}

/// Whether the body is framed wrongly (RFC 9112 §7.1), in the words of the HTTP library: its decoder of chunks tells it by
/// these kinds. TLS tells its own troubles by one of them, too.
fn is_malformed(error: &(dyn Error + 'static)) -> bool {
    let is_framing = |kind| matches!(kind, io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData);
    find::<rustls::Error>(error).is_none() && find::<io::Error>(error).is_some_and(|error| is_framing(error.kind()))
}

/// True where the server ended the connection instead of answering. That happens to a kept connection which is reused
/// in the moment the server gives it up.
pub(crate) fn is_stale_connection(error: &RequestError) -> bool {
    // Behind TLS an end without a farewell is an unexpected one.
    let gone = |kind| {
        matches!(kind, io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof)
    };
    !error.is_connect()
        && (find::<hyper::Error>(error).is_some_and(|error| error.is_incomplete_message() || error.is_canceled())
            || find::<io::Error>(error).is_some_and(|error| gone(error.kind())))
}

/// True where the server does not speak what the handshake offered.
pub(crate) fn is_refused_protocol(error: &RequestError) -> bool {
    let refusal = AlertDescription::NoApplicationProtocol;
    matches!(find::<rustls::Error>(error), Some(rustls::Error::AlertReceived(alert)) if *alert == refusal)
}

/// True where what came is no HTTP/1.1 at all.
pub(crate) fn is_other_protocol(error: &RequestError) -> bool {
    !error.is_connect() && find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse)
}

/// The first cause of type `E`.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(<dyn Error>::downcast_ref::<E>)
}

/// Text of the innermost cause. Those around it only say that something failed, and the outermost shows the address
/// with its secrets.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map_or_else(|| "the request cannot be sent".to_owned(), ToString::to_string)
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| below(*cause))
}

/// The cause of a cause. `io::Error::source` passes over the error it wraps, which is the one that counts.
fn below<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => cause.source(),
    }
}

/// What went wrong with a handshake, in words; what the library says of it is meant for its own debugging.
fn tls_reason(error: &rustls::Error) -> String {
    let sentence = match error {
        rustls::Error::InvalidCertificate(cause) => certificate_reason(cause),
        rustls::Error::AlertReceived(alert) => return alert_reason(*alert),
        rustls::Error::PeerIncompatible(_) => "it speaks no version or cipher of TLS that is spoken here",
        rustls::Error::InvalidMessage(_) | rustls::Error::InappropriateMessage { .. } => {
            "what it speaks there is not TLS, or not as it should be"
        }
        rustls::Error::NoCertificatesPresented => "it shows no certificate",
        rustls::Error::UnsupportedNameType => "its name cannot stand in a certificate",
        _ => "it does not follow the rules of TLS",
    };
    sentence.to_owned()
}

fn certificate_reason(cause: &CertificateError) -> &'static str {
    match cause {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet: check this machine's clock"
        }
        // An authority of the same name but with another key signs badly.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is from an authority that is not trusted here"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another host"
        }
        CertificateError::Revoked => "its certificate was revoked",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "its certificate is not one for servers"
        }
        CertificateError::UnknownRevocationStatus
        | CertificateError::ExpiredRevocationList
        | CertificateError::ExpiredRevocationListContext { .. } => "whether its certificate was revoked cannot be told",
        CertificateError::BadEncoding => "its certificate cannot be read",
        _ => "its certificate is not valid",
    }
}

/// What the server says to the handshake. It is no fault of the server's own certificate, which it has none to say of.
fn alert_reason(alert: AlertDescription) -> String {
    let sentence = match alert {
        AlertDescription::HandshakeFailure
        | AlertDescription::ProtocolVersion
        | AlertDescription::InsufficientSecurity => "it takes no version or cipher of TLS that is offered here",
        AlertDescription::UnrecognisedName => "it serves no host of this name",
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
            "it wants a certificate of the client, which is not supported"
        }
        AlertDescription::NoApplicationProtocol => "it speaks none of the versions of HTTP that are offered here",
        AlertDescription::AccessDenied => "it denies the access",
        AlertDescription::InternalError => "it has a problem of its own",
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA => "it does not take the certificate of this side",
        other => return format!("it ended the handshake (alert {})", u8::from(other)),
    };
    sentence.to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_handshake_is_told_in_words() {
        let other = CertificateError::Other(rustls::OtherError(Arc::new(io::Error::other("x"))));
        for error in [
            rustls::Error::InvalidCertificate(other),
            rustls::Error::InvalidCertificate(CertificateError::BadEncoding),
            rustls::Error::AlertReceived(AlertDescription::HandshakeFailure),
            rustls::Error::AlertReceived(AlertDescription::Unknown(77)),
            rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType),
            rustls::Error::General("x".to_owned()),
        ] {
            let reason = tls_reason(&error);
            assert!(
                !reason.contains(['{', '_']) && !reason.contains("Other") && !reason.contains("Handshake"),
                "{reason}"
            );
            let is_alert = matches!(error, rustls::Error::AlertReceived(_));
            assert!(!is_alert || !reason.contains("certificate is"), "{reason}");
        }
    }

    #[test]
    fn a_reason_is_told_of_a_certificate_only_where_it_is_the_certificates() {
        for (error, reason) in [
            (rustls::Error::NoCertificatesPresented, "it shows no certificate"),
            (rustls::Error::UnsupportedNameType, "its name cannot stand in a certificate"),
            (rustls::Error::General("x".to_owned()), "it does not follow the rules of TLS"),
            (rustls::Error::InvalidCertificate(CertificateError::Revoked), "its certificate was revoked"),
            (rustls::Error::AlertReceived(AlertDescription::UnrecognisedName), "it serves no host of this name"),
        ] {
            assert_eq!(tls_reason(&error), reason);
        }
    }
}
