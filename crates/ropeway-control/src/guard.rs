//! Who may talk to the engine.
//!
//! A browser sends requests to this address for any page that asks it to. Three things keep such pages out: the `Host`
//! they reach us under, the `Origin` their browser names, and a token they do not know. There are no CORS headers.

use std::{net::SocketAddr, time::Duration};

use http::{HeaderMap, Request, header};
use ropeway_net::{
    host::{HostFault, Hosts},
    visit::Visit,
};
use tokio::time::sleep;

use crate::{refusal::Refusal, token::Token};

/// How long a wrong token waits for its answer; guessing gets nowhere anyway, this keeps it from costing us anything.
const WRONG_TOKEN_DELAY: Duration = Duration::from_secs(1);
/// Begins the WebSocket subprotocol that carries a token; a browser can set no header there.
const TOKEN_PROTOCOL: &str = "token.";

/// What a request has to show.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    hosts: Hosts,
    port: u16,
    token: Token,
}

impl Guard {
    pub(crate) const fn new(address: SocketAddr, token: Token) -> Self {
        Self { hosts: Hosts::of(address), port: address.port(), token }
    }

    /// What this server says about a question, and no other program can.
    pub(crate) fn proof(&self, nonce: &str) -> String {
        self.token.proof(nonce, self.port)
    }

    /// Refuses what a page of another site sends. Looks at the head only, before anything is read or parsed.
    pub(crate) fn admit<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        let host = match self.hosts.admit(request) {
            Ok(Some(host)) => host,
            Ok(None) | Err(HostFault::Foreign) => return Err(Refusal::ForeignHost),
            Err(HostFault::Malformed) => return Err(Refusal::BadHost),
        };
        let own = format!("http://{host}");
        let foreign = |origin: &http::HeaderValue| !origin.as_bytes().eq_ignore_ascii_case(own.as_bytes());
        let mut origins = request.headers().get_all(header::ORIGIN).iter();
        if origins.any(foreign) { Err(Refusal::ForeignOrigin) } else { Ok(()) }
    }

    /// Asks for the token in the `Authorization` header; a wrong one is answered late.
    pub(crate) async fn check_bearer(&self, headers: &HeaderMap, visit: &Visit) -> Result<(), Refusal> {
        self.check(bearer(headers), visit).await
    }

    /// Asks for the token of a WebSocket: in the `Authorization` header, or as a subprotocol, which is where browsers
    /// can put it. Never in the address: those are kept in histories and logs.
    pub(crate) async fn check_socket(&self, headers: &HeaderMap, visit: &Visit) -> Result<(), Refusal> {
        self.check(bearer(headers).or_else(|| in_protocol(headers)), visit).await
    }

    async fn check(&self, shown: Option<&str>, visit: &Visit) -> Result<(), Refusal> {
        if shown.is_some_and(|shown| self.token.is(shown)) {
            visit.vouch();
            return Ok(());
        }
        tracing::warn!(shown = shown.is_some(), "refused: no or wrong token");
        sleep(WRONG_TOKEN_DELAY).await;
        Err(Refusal::BadToken)
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn in_protocol(headers: &HeaderMap) -> Option<&str> {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    offered.flat_map(|value| value.split(',')).find_map(|protocol| protocol.trim().strip_prefix(TOKEN_PROTOCOL))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(address: &str) -> Guard {
        Guard::new(address.parse().unwrap(), Token::random().unwrap())
    }

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn request(fields: &[(&'static str, &str)]) -> Request<()> {
        let mut request = Request::new(());
        *request.headers_mut() = headers(fields);
        request
    }

    #[test]
    fn only_our_own_address_is_a_host() {
        let guard = guard("127.0.0.1:7373");
        for (fields, expected) in [
            (vec![("host", "127.0.0.1:7373")], Ok(())),
            (vec![("host", "evil.example:7373")], Err(Refusal::ForeignHost)),
            (vec![("host", "127.0.0.1:7374")], Err(Refusal::ForeignHost)),
            (vec![], Err(Refusal::BadHost)),
            (vec![("host", "127.0.0.1:7373"), ("host", "evil.example:7373")], Err(Refusal::BadHost)),
        ] {
            assert_eq!(guard.admit(&request(&fields)), expected, "{fields:?}");
        }
    }

    #[test]
    fn only_our_own_page_is_an_origin() {
        for (origin, admitted) in [
            ("http://127.0.0.1:7373", true),
            ("https://127.0.0.1:7373", false),
            ("http://127.0.0.1:7374", false),
            ("http://localhost:7373", false),
            ("http://127.0.0.1:7373.evil.example", false),
            ("https://evil.example", false),
            ("null", false),
            ("", false),
        ] {
            let fields = request(&[("host", "127.0.0.1:7373"), ("origin", origin)]);
            assert_eq!(guard("127.0.0.1:7373").admit(&fields).is_ok(), admitted, "{origin}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wrong_token_is_answered_late_and_a_right_one_at_once() {
        let guard = guard("127.0.0.1:7373");
        let token = guard.token.expose().to_owned();
        let protocols = format!("ropeway, token.{token}");
        let visit = Visit::new(([127, 0, 0, 1], 1).into());
        let began = tokio::time::Instant::now();
        guard.check_bearer(&headers(&[("authorization", &format!("Bearer {token}"))]), &visit).await.unwrap();
        guard.check_socket(&headers(&[("sec-websocket-protocol", &protocols)]), &visit).await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO);
        for fields in [vec![], vec![("authorization", "Bearer 0")], vec![("authorization", &*format!("Basic {token}"))]]
        {
            assert_eq!(guard.check_bearer(&headers(&fields), &visit).await, Err(Refusal::BadToken));
        }
        assert_eq!(guard.check_socket(&HeaderMap::new(), &visit).await, Err(Refusal::BadToken));
        assert_eq!(began.elapsed(), 4 * WRONG_TOKEN_DELAY);
    }
}
