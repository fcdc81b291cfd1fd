//! What both ways of uploading in one request share: the body, and what the answer to it means.

mod body;

use http::header::LOCATION;
use reqwest::Response;
use ropeway_model::SafeUrl;

pub(crate) use body::SizedBody;

use crate::{
    DriverError, PartReceipt,
    http::{redirect, repr_digest, wire},
};

/// What the server says of the stored file.
pub(crate) fn receipt(url: &SafeUrl, response: &Response) -> PartReceipt {
    let named = response.headers().get(LOCATION).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    let location = named.and_then(|location| url.expose().join(location).ok()).map(SafeUrl::from);
    PartReceipt { digest: repr_digest::of(response.headers()), location: location.or_else(|| Some(url.clone())) }
}

/// The error of an answer that acknowledges nothing.
///
/// A redirect comes when the body is under way, and the body can be sent only once: its target is named to the user.
pub(crate) fn refused(url: &SafeUrl, response: &Response) -> DriverError {
    match redirect::target(url, response) {
        Err(refused) => refused,
        Ok(None) => wire::status_error(url.clone(), response),
        Ok(Some(next)) => {
            let reason = format!("the upload to {next}; use that address as the target");
            DriverError::RedirectRefused { url: url.clone(), reason }
        }
    }
}
