//! Redirects, followed by our own policy. None carries the user's headers or login to another origin, leaves HTTP,
//! gives encryption up, or goes on without end.

use std::{borrow::Cow, time::Duration};

use http::{HeaderMap, header::LOCATION};
use percent_encoding::{CONTROLS, percent_encode};
use reqwest::Response;
use ropeway_model::SafeUrl;

use crate::{Context, DriverError, client::Connection, send};

/// Redirects followed for one request; the limit of browsers.
const MOST_HOPS: usize = 20;
/// An address that is come to so often, with the same cookies each time, is one of a loop. Before that it may be a server
/// that makes the file, and has the client ask again until it is there.
const MOST_VISITS: usize = 5;
/// Pause before the third visit; each further one takes that much longer.
const PAUSE: Duration = Duration::from_millis(500);
/// Longest pause before another visit that a server may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// An answer that is no redirect, and who gave it.
pub(crate) struct Answer {
    pub(crate) url: SafeUrl,
    pub(crate) response: Response,
}

/// Sends a `GET` with `fields` to `from`, and follows redirects.
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
    let mut chain = Chain { hops: vec![(from.clone(), context.cookies.changes())] };
    let mut url = from.clone();
    let mut floor = None;
    loop {
        let min_scope = match floor {
            Some(scope) => scope,
            None => context.clients.min_scope(&context.origin, &url, &context.network).await,
        };
        let response = send::get(context, &url, fields, connection, min_scope).await?;
        // Whatever is looked up later: nothing leads nearer than the connection that the user's own address had.
        if chain.hops.len() == 1 && url.expose().origin() == context.origin {
            floor = send::scope(&response).inspect(|scope| context.clients.remember(&context.origin, *scope));
        }
        let Some(next) = target(&url, &response, context.network.allow_downgrade)? else {
            return Ok(Answer { url, response });
        };
        let pause = chain.add(&next, context.cookies.changes(), send::retry_after(&response))?;
        if next.host() != url.host() && context.gate.as_ref().is_some_and(|gate| !gate.may_redirect_to(&next.host())) {
            return Err(DriverError::LeftAlone { host: next.host() });
        }
        if !pause.is_zero() {
            let paused = context.cancel.run_until_cancelled(tokio::time::sleep(pause));
            paused.await.ok_or(DriverError::Canceled)?;
        }
        tracing::debug!(from = %url, to = %next, "redirected");
        url = next;
    }
}

/// The addresses asked so far, each with how often the cookies had changed by then.
struct Chain {
    hops: Vec<(SafeUrl, u64)>,
}

impl Chain {
    /// Adds a hop; tells how long to wait before it.
    fn add(&mut self, next: &SafeUrl, cookies: u64, retry_after: Option<Duration>) -> Result<Duration, DriverError> {
        let visits = self.hops.iter().filter(|(hop, had)| hop == next && *had == cookies).count();
        if visits >= MOST_VISITS
            && let Some(start) = self.hops.iter().rposition(|(hop, _)| hop == next)
        {
            let hops: Vec<String> = self.hops.iter().skip(start).map(|(hop, _)| hop).chain([next]).map(shown).collect();
            return Err(self.refused(format!("in a loop: {}", abridged(&hops))));
        }
        if self.hops.len() > MOST_HOPS {
            let hops: Vec<String> = self.hops.iter().map(|(hop, _)| hop).chain([next]).map(shown).collect();
            return Err(self.refused(format!("more than {MOST_HOPS} times: {}", abridged(&hops))));
        }
        self.hops.push((next.clone(), cookies));
        let own = PAUSE * u32::try_from(visits.saturating_sub(1)).unwrap_or(0);
        Ok(retry_after.filter(|_| visits > 0).map_or(own, |told| told.min(LONGEST_PAUSE).max(own)))
    }

    fn refused(&self, reason: String) -> DriverError {
        let (url, _) = self.hops.first().unwrap_or_else(|| unreachable!("a chain has its first address"));
        DriverError::RedirectRefused { url: url.clone(), reason }
    }
}

/// Letters of one address that a refusal shows.
const LONGEST_SHOWN: usize = 80;

/// A hop as a refusal shows it. In a chain that does not end addresses tend to grow.
fn shown(hop: &SafeUrl) -> String {
    let whole = hop.to_string();
    match whole.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{}…", whole.get(..end).unwrap_or(&whole)),
        None => whole,
    }
}

/// The first and the last hops of a chain.
fn abridged(hops: &[String]) -> String {
    if hops.len() <= 6 {
        return hops.join(" → ");
    }
    let (first, last) = (hops.get(..3).unwrap_or(hops), hops.get(hops.len().saturating_sub(3)..).unwrap_or_default());
    format!("{} → … → {}", first.join(" → "), last.join(" → "))
}

/// The text of `Location`. Octets that are no UTF-8 mean themselves: the server wants them back as they are.
fn address_text(octets: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(octets).map_or_else(|_| percent_encode(octets, CONTROLS).into(), Cow::Borrowed)
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
    let location = address_text(location.as_bytes());
    let mut next = url.expose().join(&location).map_err(|error| refused(format!("to no address: {error}")))?;
    if next.fragment().is_none() {
        // RFC 9110 §10.2.2: the fragment of the first address stays.
        next.set_fragment(url.expose().fragment());
    }
    let next = url.with_login_of_its_own(next);
    match (url.expose().scheme(), next.expose().scheme()) {
        (_, "https") | ("http", "http") => Ok(Some(next)),
        ("https", "http") if may_downgrade => Ok(Some(next)),
        ("https", "http") => Err(refused(format!("to {next}, which gives the encryption up"))),
        (_, scheme) => Err(refused(format!("to a {scheme}: address, which is not followed"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_redirects_are_followed_and_no_more() {
        let hop = |number: usize| -> SafeUrl { format!("https://example.org/{number}").parse().unwrap() };
        let mut chain = Chain { hops: vec![(hop(0), 0)] };
        for number in 1..=20 {
            assert_eq!(chain.add(&hop(number), 0, None).unwrap(), Duration::ZERO, "{number}");
        }
        let error = chain.add(&hop(21), 0, None).unwrap_err();
        assert!(matches!(&error, DriverError::RedirectRefused { url, .. } if *url == hop(0)), "{error}");
        assert!(error.to_string().contains("more than 20 times"), "{error}");
    }

    #[test]
    fn a_redirect_to_an_address_that_was_asked_before_waits_as_long_as_it_says() {
        let hop = |name: &str| -> SafeUrl { format!("https://example.org/{name}").parse().unwrap() };
        let mut chain = Chain { hops: vec![(hop("a"), 0)] };
        let told = Duration::from_secs(9);
        for (next, retry_after, pause) in [
            ("b", Some(told), Duration::ZERO),
            ("a", Some(told), told),
            ("b", None, Duration::ZERO),
            ("b", Some(told * 10), LONGEST_PAUSE),
            ("b", Some(Duration::ZERO), PAUSE * 2),
        ] {
            assert_eq!(chain.add(&hop(next), 0, retry_after).unwrap(), pause, "{next} {retry_after:?}");
        }
        let error = chain.add(&hop("b"), 0, Some(Duration::ZERO)).and_then(|_| chain.add(&hop("b"), 0, None));
        assert!(error.is_err_and(|error| error.to_string().contains("in a loop")));
        assert!(chain.add(&hop("b"), 1, None).is_ok(), "with other cookies it is another visit");
    }
}
