//! Requests, one at a time, with the head of the answer. Headers, patience, cancelling and kinds of errors are decided
//! here.

pub(crate) mod error;
pub(crate) mod fault;
mod header;
mod overridden;
mod unsent;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, Method, StatusCode, header::HOST};
use reqwest::{RequestBuilder, Response};
use ropeway_model::SafeUrl;
use ropeway_wire::retry_after;

use self::{error::RequestError, fault::Fault, unsent::Unsent};
use crate::{
    Context, DriverError, Turn,
    client::{AddressScope, Connection, Direct, Peer, Route},
    credential,
    upload::SizedBody,
};

/// Longest wait for an answer's head after a request without a body. It also ends a server that sends interim (1xx)
/// responses without end: the HTTP library tells them to nobody, so that they cannot be counted. Some servers make the
/// file before they answer, hence minutes.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(120);
/// Octets of names and values in the largest head that is taken. Real ones have 1 to 8 KiB.
pub(crate) const LARGEST_HEAD: usize = 64 * 1024;

/// A request is sent again at once this often where the server has not looked at it. What it refuses time and again it
/// does not want now.
const MOST_REFUSALS: u32 = 3;
/// The same where the server ends connections in good order: each time others were served and these were too late.
const MOST_FAREWELLS: u32 = 10;

/// Sends a `GET` and returns the answer at its head. Its status may be any. The user's headers go along only to the
/// job's own origin.
///
/// A connection that the server gave up in the moment of its reuse is replaced once, silently (RFC 9112 §9.3.1). What
/// a server has not looked at is sent again at once (RFC 9113 §8.7), in HTTP/1.1 where it asks for that, and in HTTP/2
/// where it speaks nothing else. An address below `min_scope` is not reached.
pub(crate) async fn get(
    context: &Context,
    url: &SafeUrl,
    fields: &HeaderMap,
    connection: Connection,
    min_scope: AddressScope,
) -> Result<Response, DriverError> {
    let answer = get_as_it_comes(context, url, fields, connection, min_scope).await?;
    context.cookies.take(url.expose(), answer.headers(), credential::now());
    Ok(answer)
}

async fn get_as_it_comes(
    context: &Context,
    url: &SafeUrl,
    fields: &HeaderMap,
    connection: Connection,
    min_scope: AddressScope,
) -> Result<Response, DriverError> {
    let given = header::fields(context, url).await?;
    if let Some(transport) = context.clients.transport_override() {
        return overridden::get(context, transport, url, [&given, fields]).await;
    }
    let mut repeats = Repeats::default();
    loop {
        let routing = route(context, url, min_scope, connection, &given);
        let route = context.cancel.run_until_cancelled(routing).await.ok_or(DriverError::Canceled)??;
        let request = route.client.get(url.expose().clone()).headers(given.clone()).headers(fields.clone());
        let Ok(answered) = tokio::time::timeout(HEAD_TIMEOUT, head(context, &route.direct, request)).await else {
            if let Some(offer) = &route.offer {
                offer.failed(Fault::Silent);
            }
            return Err(DriverError::Silent { host: url.host(), turn: Turn::Answer, waited_s: HEAD_TIMEOUT.as_secs() });
        };
        if let Some(answer) = repeats.settle(route, url, answered?, |_| true) {
            return answer;
        }
    }
}

/// The client for a request with the fields `given`.
async fn route(
    context: &Context,
    url: &SafeUrl,
    min_scope: AddressScope,
    connection: Connection,
    given: &HeaderMap,
) -> Result<Route, DriverError> {
    // Over HTTP/2 the address alone names the host.
    let connection = if given.contains_key(HOST) { Connection::Own } else { connection };
    context.clients.route(&context.network, url, min_scope, connection).await
}

/// How often one request was sent again.
#[derive(Debug, Default)]
struct Repeats {
    /// For a connection that was given up in the moment of its reuse.
    has_replaced: bool,
    others: u32,
}

impl Repeats {
    /// What comes of what a request was answered; `None` where it is sent again at once, which it is only where it
    /// `may_be`, the error told if there is one.
    fn settle(
        &mut self,
        route: Route,
        url: &SafeUrl,
        answered: Result<Response, RequestError>,
        may_be: impl Fn(Option<&RequestError>) -> bool,
    ) -> Option<Result<Response, DriverError>> {
        let error = match answered {
            Ok(response) if route.wants_http2(response.status()) && self.others < MOST_REFUSALS && may_be(None) => {
                self.others += 1;
                return None;
            }
            Ok(response) => return Some(checked(route, url, response)),
            Err(error) => error,
        };
        let fault = route.fault(&error);
        if self.calls_for_another(&route, &error, fault) && may_be(Some(&error)) {
            return None;
        }
        Some(Err(error::of_request(url, route.proxy.as_ref(), &error, fault)))
    }

    fn calls_for_another(&mut self, route: &Route, error: &RequestError, fault: Option<Fault>) -> bool {
        match fault {
            // The next one goes over HTTP/2: there is no such end to it.
            None if self.others < MOST_REFUSALS && route.refuses_http1(error, self.has_replaced) => self.others += 1,
            // The next one goes over HTTP/1.1: there is no such answer to it.
            Some(Fault::WantsHttp1) if self.others < MOST_REFUSALS => self.others += 1,
            Some(Fault::Unprocessed { is_closing: false }) if self.others < MOST_REFUSALS => self.others += 1,
            Some(Fault::Unprocessed { is_closing: true }) if self.others < MOST_FAREWELLS => self.others += 1,
            Some(Fault::ConnectionLost) if !self.has_replaced => self.has_replaced = true,
            None if !self.has_replaced && error::is_stale_connection(error) => self.has_replaced = true,
            _ => return false,
        }
        true
    }
}

/// Sends a request and returns the head of the answer. It may have a `body`. `suggested` gives way to the user's
/// headers, `fields` does not. The wait has no limit of its own: the head comes when the body has gone.
///
/// It is sent again as a `GET` is, as long as nothing of its body has been: in HTTP/2 where the server speaks nothing else,
/// on another connection where the first one was given up.
pub(crate) async fn send(
    context: &Context,
    method: Method,
    url: &SafeUrl,
    (suggested, fields): (&HeaderMap, &HeaderMap),
    body: Option<SizedBody>,
) -> Result<Response, DriverError> {
    let min_scope = context.clients.min_scope(&context.origin, url, &context.network).await;
    let given = header::fields(context, url).await?;
    if let Some(transport) = context.clients.transport_override() {
        let answer = overridden::send(context, transport, (method, url), [suggested, &given, fields], body).await?;
        context.cookies.take(url.expose(), answer.headers(), credential::now());
        return Ok(answer);
    }
    let (unsent, mut repeats) = (Unsent::of(body), Repeats::default());
    loop {
        let route = route(context, url, min_scope, Connection::Own, &given).await?;
        let request = route.client.request(method.clone(), url.expose().clone()).headers(suggested.clone());
        let request = unsent.hand_over(request).headers(given.clone()).headers(fields.clone());
        let answered = head(context, &route.direct, request).await?;
        let may_be = |error: Option<&RequestError>| unsent.is_back(error.is_some_and(RequestError::is_connect));
        if let Some(answer) = repeats.settle(route, url, answered, may_be) {
            let response = answer?;
            context.cookies.take(url.expose(), response.headers(), credential::now());
            return Ok(response);
        }
    }
}

async fn head(
    context: &Context,
    direct: &Direct,
    request: RequestBuilder,
) -> Result<Result<Response, RequestError>, DriverError> {
    let sent = async { direct.send(request.build().map_err(RequestError::Library)?).await };
    context.cancel.run_until_cancelled(sent).await.ok_or(DriverError::Canceled)
}

fn checked(route: Route, url: &SafeUrl, mut response: Response) -> Result<Response, DriverError> {
    let octets: usize = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if octets > LARGEST_HEAD {
        return Err(error::bad(url, format!("its head has {octets} octets, more than {LARGEST_HEAD}")));
    }
    if response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED
        && let Some(proxy) = &route.proxy
    {
        return Err(DriverError::ProxyLogin { proxy: proxy.clone() });
    }
    tracing::debug!(%url, status = response.status().as_u16(), version = ?response.version(), "answered");
    // A proxy's own address says nothing of whom it reached.
    let own = || response.extensions().get::<Peer>().map(|peer| peer.0);
    let peer = own().or_else(|| response.remote_addr().map(|address| address.ip())).filter(|_| route.proxy.is_none());
    if let Some(peer) = peer {
        response.extensions_mut().insert(AddressScope::of(peer));
    }
    if let Some(mut offer) = route.offer {
        offer.answered(response.version());
        // What becomes of its body counts as well.
        response.extensions_mut().insert(Arc::new(offer));
    }
    Ok(response)
}

/// Where the connection led to that an answer came over. `None` where a proxy made it.
pub(crate) fn scope(response: &Response) -> Option<AddressScope> {
    response.extensions().get::<AddressScope>().copied()
}

impl Route {
    /// Whether the answer to a request in HTTP/1.1 is that it should have been HTTP/2; the next one is.
    fn wants_http2(&self, status: StatusCode) -> bool {
        let Some(server) = self.server.as_ref().filter(|_| self.offer.is_none()) else { return false };
        let is_refusal = matches!(status.as_u16(), 426 | 505);
        if !is_refusal {
            server.answered_in_http1();
        }
        is_refusal && server.refused_http1()
    }

    /// The same where no answer came at all: either the handshake says so, or a server that is known to speak HTTP/2 and
    /// has never answered in HTTP/1.1 makes nothing of it, twice if it only ends the connection.
    fn refuses_http1(&self, error: &RequestError, is_second: bool) -> bool {
        let Some(server) = self.server.as_ref().filter(|_| self.offer.is_none()) else { return false };
        let is_plain = error::is_refused_protocol(error);
        let is_likely = error::is_other_protocol(error) || (is_second && error::is_stale_connection(error));
        (is_plain || (is_likely && server.answers_in_http2_only())) && server.refused_http1()
    }

    /// What the error says of HTTP/2, which is learned from.
    fn fault(&self, error: &RequestError) -> Option<Fault> {
        let offer = self.offer.as_ref()?;
        let fault = error::fault_of_request(error, offer.is_shared())?;
        offer.failed(fault);
        Some(fault)
    }
}

/// Delay that an answer asks for (RFC 9110 §10.2.3).
pub(crate) fn retry_after(answer: &Response) -> Option<Duration> {
    #[expect(clippy::disallowed_methods, reason = "a date on the wire can only be held against the wall clock")]
    retry_after::delay(answer.headers(), SystemTime::now())
}
