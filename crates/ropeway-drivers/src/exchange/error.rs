//! What the network stack reports, as a [`DriverError`]: found by the types of the causes, never by their text.

use std::{error::Error, io};

use hyper_util::client::legacy;
use reqwest::Response;
use ropeway_model::SafeUrl;
use rustls::CertificateError;

use super::fault::Fault;
use crate::{
    DriverError,
    client::{CONNECT_TIMEOUT, NameError, NearError},
    http::wire,
};

/// A request that got no answer, as the client it was sent with tells it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error(transparent)]
    Library(reqwest::Error),
    #[error(transparent)]
    Direct(legacy::Error),
}

impl RequestError {
    /// Whether there was no connection to send it over.
    fn is_connect(&self) -> bool {
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
    let retry_after = wire::retry_after(response.headers());
    DriverError::Status { url, status: response.status().as_u16(), retry_after, words: None }
}

/// What went wrong with a stream, where the request went over HTTP/2. On a connection that `is_shared` whatever breaks
/// it is that, and the library tells it without a word of HTTP/2.
pub(crate) fn fault_of_request(error: &RequestError, is_shared: bool) -> Option<Fault> {
    fault(error, is_shared && !error.is_connect() && !error.is_builder())
}

/// The same for the body of its answer.
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

/// The error of a request to `url` that got no answer, with the `fault` of its stream if it had one.
pub(crate) fn of_request(
    url: &SafeUrl,
    proxy: Option<&SafeUrl>,
    error: &RequestError,
    fault: Option<Fault>,
) -> DriverError {
    let host = url.host();
    if let Some(cause) = find::<rustls::Error>(error) {
        return DriverError::Tls { host, reason: tls_reason(cause) };
    }
    if error.is_connect()
        && let Some(proxy) = proxy
    {
        return DriverError::Proxy { proxy: proxy.clone(), reason: innermost(error) };
    }
    if find::<NearError>(error).is_some() {
        return DriverError::TooNear { url: url.clone() };
    }
    if find::<NameError>(error).is_some() {
        return DriverError::NameNotResolved { host };
    }
    if let Some(fault) = fault {
        return of_stream(host, fault, error);
    }
    let kind = find::<io::Error>(error).map(io::Error::kind);
    if error.is_connect() && (error.is_timeout() || kind == Some(io::ErrorKind::TimedOut)) {
        return DriverError::ConnectTimeout { host, waited_s: CONNECT_TIMEOUT.as_secs() };
    }
    if kind == Some(io::ErrorKind::ConnectionRefused) {
        return DriverError::ConnectionRefused { host };
    }
    if error.is_builder() || find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
        return bad(url, innermost(error));
    }
    DriverError::ConnectionLost { host, reason: innermost(error) }
}

/// The error of a body from `url` that broke off, with the `fault` of its stream if it had one.
pub(crate) fn of_body(url: &SafeUrl, error: &reqwest::Error, fault: Option<Fault>) -> DriverError {
    match fault {
        Some(fault) => of_stream(url.host(), fault, error),
        None => DriverError::ConnectionLost { host: url.host(), reason: innermost(error) },
    }
}

/// Whether the server ended the connection instead of answering, as happens to a kept connection that is reused in
/// the moment the server gives it up.
pub(crate) fn is_stale_connection(error: &RequestError) -> bool {
    // Behind TLS an end without a farewell is an unexpected one.
    let gone = |kind| {
        matches!(kind, io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof)
    };
    !error.is_connect()
        && (find::<hyper::Error>(error).is_some_and(|error| error.is_incomplete_message() || error.is_canceled())
            || find::<io::Error>(error).is_some_and(|error| gone(error.kind())))
}

/// The first cause of type `E`.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(<dyn Error>::downcast_ref::<E>)
}

/// What the innermost cause says: those around it only say that something failed, and the outermost shows the address
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

fn tls_reason(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(cause) = error else { return error.to_string() };
    let sentence = match cause {
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
        other => return format!("its certificate is not valid: {other}"),
    };
    sentence.to_owned()
}
