//! Following redirects by our own policy: a redirect never carries the user's headers or login to another origin,
//! never leaves HTTP, never gives encryption up, and ends.

use http::{HeaderMap, header::LOCATION};
use reqwest::Response;
use ropeway_model::SafeUrl;

use crate::{Context, DriverError, client::Connection, exchange};

/// Redirects followed for one request; the limit of browsers.
const MOST_HOPS: usize = 20;

/// An answer that is no redirect, and who gave it.
pub(crate) struct Answer {
    pub(crate) url: SafeUrl,
    pub(crate) response: Response,
}

/// Sends a `GET` with `fields` to `from` and on to where it is redirected.
///
/// # Errors
/// [`DriverError::RedirectRefused`] naming the loop, the hop that is not followed, or the limit of 20;
/// [`DriverError::LeftAlone`] where the context's gate is closed.
pub(crate) async fn get(
    context: &Context,
    from: &SafeUrl,
    fields: &HeaderMap,
    connection: Connection,
) -> Result<Answer, DriverError> {
    let mut chain = vec![from.clone()];
    let mut url = from.clone();
    loop {
        let response = exchange::get(context, &url, fields, connection).await?;
        let Some(next) = target(&url, &response, context.network.allow_downgrade)? else {
            return Ok(Answer { url, response });
        };
        let refused = |reason: String| Err(DriverError::RedirectRefused { url: from.clone(), reason });
        if let Some(start) = chain.iter().position(|before| *before == next) {
            let hops = chain.iter().skip(start).chain([&next]).map(ToString::to_string);
            return refused(format!("in a loop: {}", hops.collect::<Vec<_>>().join(" → ")));
        }
        if chain.len() > MOST_HOPS {
            let hops: Vec<String> = chain.iter().chain([&next]).map(ToString::to_string).collect();
            return refused(format!("more than {MOST_HOPS} times: {}", abridged(&hops)));
        }
        if next.host() != url.host() && context.gate.as_ref().is_some_and(|gate| !gate.is_open(&next.host())) {
            return Err(DriverError::LeftAlone { host: next.host() });
        }
        tracing::debug!(from = %url, to = %next, "redirected");
        chain.push(next.clone());
        url = next;
    }
}

/// The first and the last hops of a chain.
fn abridged(hops: &[String]) -> String {
    let (first, last) = (hops.get(..3).unwrap_or(hops), hops.get(hops.len().saturating_sub(3)..).unwrap_or_default());
    format!("{} → … → {}", first.join(" → "), last.join(" → "))
}

/// Where the answer points; `None` if it is no redirect.
///
/// From https to http it may point only with `may_downgrade`.
pub(crate) fn target(url: &SafeUrl, response: &Response, may_downgrade: bool) -> Result<Option<SafeUrl>, DriverError> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let refused = |reason: String| DriverError::RedirectRefused { url: url.clone(), reason };
    let Some(location) = response.headers().get(LOCATION) else {
        return Err(refused("without saying where to".to_owned()));
    };
    let location = std::str::from_utf8(location.as_bytes()).map_err(|_| refused("to no address".to_owned()))?;
    let mut next = url.expose().join(location).map_err(|error| refused(format!("to no address: {error}")))?;
    if next.fragment().is_none() {
        // RFC 9110 §10.2.2: the fragment of the first address stays.
        next.set_fragment(url.expose().fragment());
    }
    let next = SafeUrl::from(next);
    match (url.expose().scheme(), next.expose().scheme()) {
        (_, "https") | ("http", "http") => Ok(Some(next)),
        ("https", "http") if may_downgrade => Ok(Some(next)),
        ("https", "http") => Err(refused(format!("to {next}, which gives the encryption up"))),
        (_, scheme) => Err(refused(format!("to a {scheme}: address, which is not followed"))),
    }
}
