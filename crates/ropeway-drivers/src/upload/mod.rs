//! What both ways of uploading in one request share: the body, and what the answer to it means.

mod body;
mod sending;

use http::{
    HeaderMap, Method,
    header::{CONTENT_LENGTH, LOCATION},
};
use reqwest::{Body, RequestBuilder, Response};
use ropeway_model::SafeUrl;

pub(crate) use body::SizedBody;
pub(crate) use sending::Sending;

use crate::{
    Context, DriverError, PartReceipt, exchange,
    http::{announced, redirect},
};

/// Sends `body` and returns the head of the answer, whatever its status. `suggested` gives way to the user's headers,
/// `fields` does not.
///
/// # Errors
/// [`DriverError::Body`] where the source failed, whatever became of the request then; [`DriverError::Silent`] where
/// the other side neither takes bytes nor answers.
pub(crate) async fn deliver(
    context: &Context,
    method: Method,
    url: &SafeUrl,
    suggested: HeaderMap,
    mut fields: HeaderMap,
    body: SizedBody,
) -> Result<Response, DriverError> {
    let sending = body.sending();
    fields.insert(CONTENT_LENGTH, body.length().into());
    let dress = |request: RequestBuilder| request.headers(suggested).body(Body::wrap(body));
    let answered = tokio::select! {
        answered = exchange::send(context, method, url, dress, fields) => answered,
        waited = sending.overdue() => Err(DriverError::Silent { host: url.host(), waited_s: waited.as_secs() }),
    };
    sending.failure().map_or(answered, Err)
}

/// What the server says of the stored file.
pub(crate) fn receipt(url: &SafeUrl, response: &Response) -> PartReceipt {
    let named = response.headers().get(LOCATION).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    let location = named.and_then(|location| url.expose().join(location).ok()).map(SafeUrl::from);
    PartReceipt { digest: announced::repr_digest(response.headers()), location: location.or_else(|| Some(url.clone())) }
}

/// The error of an answer that acknowledges nothing.
///
/// A redirect comes when the body is under way, and the body can be sent only once: its target is named to the user.
pub(crate) fn refused(url: &SafeUrl, response: &Response) -> DriverError {
    match redirect::target(url, response, false) {
        Err(refused) => refused,
        Ok(None) => exchange::error::of_status(url.clone(), response),
        Ok(Some(next)) => {
            let reason = format!("the upload to {next}; use that address as the target");
            DriverError::RedirectRefused { url: url.clone(), reason }
        }
    }
}
