//! One request and the head of its answer: headers, patience, cancelling, and errors by their kind.

pub(crate) mod error;
mod header;

use std::time::Duration;

use http::{HeaderMap, Method};
use reqwest::{RequestBuilder, Response};
use ropeway_model::SafeUrl;

use crate::{Context, DriverError, client::Reach};

/// Longest wait for the head of an answer whose request has no body. It also ends a server that sends interim (1xx)
/// responses without end. Some servers make the file before they answer, hence minutes.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(120);
/// Largest head of an answer that is taken, in octets of names and values. Real ones have 1 to 8 KiB.
const LARGEST_HEAD: usize = 64 * 1024;

/// Sends a `GET` and returns the answer once its head is there, whatever its status. The user's headers go along only
/// to the job's own origin.
///
/// A connection that the server gave up in the moment of its reuse is replaced once, silently (RFC 9112 §9.3.1).
pub(crate) async fn get(context: &Context, url: &SafeUrl, fields: &HeaderMap) -> Result<Response, DriverError> {
    let given = header::fields(context, url).await?;
    if let Some(answer) = get_instead(context, url, &given, fields).await {
        return answer;
    }
    let reach = context.clients.reach(&context.network, url).await?;
    let mut replaced = false;
    loop {
        let request = reach.client.get(url.expose().clone()).headers(given.clone());
        let answered = tokio::time::timeout(HEAD_TIMEOUT, head(context, request.headers(fields.clone())));
        let silent = |_| DriverError::Silent { host: url.host(), waited_s: HEAD_TIMEOUT.as_secs() };
        match answered.await.map_err(silent)?? {
            Err(error) if !replaced && error::is_stale_connection(&error) => replaced = true,
            answered => return checked(&reach, url, answered),
        }
    }
}

/// The same over what stands in the place of the network, where something does.
async fn get_instead(
    context: &Context,
    url: &SafeUrl,
    given: &HeaderMap,
    fields: &HeaderMap,
) -> Option<Result<Response, DriverError>> {
    let mut all = given.clone();
    all.extend(fields.clone());
    let answer = tokio::time::timeout(HEAD_TIMEOUT, context.clients.get_instead(url, all));
    match context.cancel.run_until_cancelled(answer).await {
        None => Some(Err(DriverError::Canceled)),
        Some(Err(_)) => Some(Err(DriverError::Silent { host: url.host(), waited_s: HEAD_TIMEOUT.as_secs() })),
        Some(Ok(answer)) => answer,
    }
}

/// Sends a request that `dress` gives a body, and returns the head of the answer. The user's headers replace what
/// `dress` sets, `fields` replaces the user's. The wait has no limit of its own: the head comes when the body has gone.
pub(crate) async fn send(
    context: &Context,
    method: Method,
    url: &SafeUrl,
    dress: impl FnOnce(RequestBuilder) -> RequestBuilder,
    fields: HeaderMap,
) -> Result<Response, DriverError> {
    let reach = context.clients.reach(&context.network, url).await?;
    let given = header::fields(context, url).await?;
    let request = dress(reach.client.request(method, url.expose().clone())).headers(given);
    checked(&reach, url, head(context, request.headers(fields)).await?)
}

async fn head(context: &Context, request: RequestBuilder) -> Result<reqwest::Result<Response>, DriverError> {
    context.cancel.run_until_cancelled(request.send()).await.ok_or(DriverError::Canceled)
}

fn checked(reach: &Reach, url: &SafeUrl, answered: reqwest::Result<Response>) -> Result<Response, DriverError> {
    let response = answered.map_err(|error| error::of_request(url, reach.proxy.as_ref(), &error))?;
    let octets: usize = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if octets > LARGEST_HEAD {
        return Err(error::bad(url, format!("its head has {octets} octets, more than {LARGEST_HEAD}")));
    }
    tracing::debug!(%url, status = response.status().as_u16(), "answered");
    Ok(response)
}
