//! Who may talk to the engine.
//!
//! A browser sends requests to this address for any page that asks it to. Three things keep such pages out: the `Host`
//! they reach us under, the `Origin` their browser names, and a token they do not know. There are no CORS headers.

use std::{net::SocketAddr, time::Duration};

use http::{HeaderMap, header, uri::Authority};
use tokio::time::sleep;

use super::{refusal::Refusal, token::Token};

/// How long a wrong token waits for its answer; guessing gets nowhere anyway, this keeps it from costing us anything.
const WRONG_TOKEN_DELAY: Duration = Duration::from_secs(1);
/// Begins the WebSocket subprotocol that carries a token; a browser can set no header there.
const TOKEN_PROTOCOL: &str = "token.";

/// What a request has to show.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    address: SocketAddr,
    token: Token,
}

impl Guard {
    pub(super) fn new(address: SocketAddr, token: Token) -> Self {
        Self { address, token }
    }

    /// Refuses what a page of another site sends. Looks at headers only, before anything is read or parsed.
    pub(super) fn admit(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = match (hosts.next().and_then(|host| host.to_str().ok()), hosts.next()) {
            (Some(host), None) if self.is_our_host(host) => host,
            _ => return Err(Refusal::ForeignHost),
        };
        let own = format!("http://{host}");
        let foreign = |origin: &http::HeaderValue| !origin.as_bytes().eq_ignore_ascii_case(own.as_bytes());
        if headers.get_all(header::ORIGIN).iter().any(foreign) { Err(Refusal::ForeignOrigin) } else { Ok(()) }
    }

    /// Whether `host` names this server. A name could be made to point here by anybody who owns its zone (DNS
    /// rebinding), a number could not: so only `localhost` and numbers are taken, and numbers beyond this machine's own
    /// loopback only if the user bound the server to the outside.
    fn is_our_host(&self, host: &str) -> bool {
        const HTTP_PORT: u16 = 80;
        let Ok(authority) = host.parse::<Authority>() else { return false };
        if authority.as_str().contains('@') || authority.port_u16().unwrap_or(HTTP_PORT) != self.address.port() {
            return false;
        }
        let name = authority.host();
        if name.eq_ignore_ascii_case("localhost") {
            return true;
        }
        let number = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        let Ok(number) = number.parse::<std::net::IpAddr>() else { return false };
        number.to_canonical().is_loopback() || !self.address.ip().to_canonical().is_loopback()
    }

    /// Asks for the token in the `Authorization` header; a wrong one is answered late.
    pub(super) async fn check_bearer(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        self.check(bearer(headers)).await
    }

    /// Asks for the token of a WebSocket: in the `Authorization` header, as a subprotocol, or in the query, which is
    /// where browsers can put it; the query is never logged.
    pub(super) async fn check_socket(&self, headers: &HeaderMap, query: Option<&str>) -> Result<(), Refusal> {
        let in_query = || query?.split('&').find_map(|field| field.strip_prefix("token="));
        self.check(bearer(headers).or_else(|| in_protocol(headers)).or_else(in_query)).await
    }

    async fn check(&self, shown: Option<&str>) -> Result<(), Refusal> {
        if shown.is_some_and(|shown| self.token.is(shown)) {
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

    #[test]
    fn only_our_own_address_is_a_host() {
        for (bound, host, admitted) in [
            ("127.0.0.1:7373", "127.0.0.1:7373", true),
            ("127.0.0.1:7373", "localhost:7373", true),
            ("127.0.0.1:7373", "LOCALHOST:7373", true),
            ("127.0.0.1:7373", "[::1]:7373", true),
            ("[::1]:7373", "[::1]:7373", true),
            ("127.0.0.1:80", "localhost", true),
            ("0.0.0.0:7373", "192.168.1.10:7373", true),
            ("127.0.0.1:7373", "192.168.1.10:7373", false),
            ("127.0.0.1:7373", "127.0.0.1:7374", false),
            ("127.0.0.1:7373", "127.0.0.1", false),
            ("127.0.0.1:7373", "evil.example:7373", false),
            ("127.0.0.1:7373", "localhost.evil.example:7373", false),
            ("127.0.0.1:7373", "127.0.0.1.evil.example:7373", false),
            ("127.0.0.1:7373", "127.0.0.1:7373@evil.example", false),
            ("127.0.0.1:7373", "user@127.0.0.1:7373", false),
            ("0.0.0.0:7373", "evil.example:7373", false),
            ("127.0.0.1:7373", "", false),
        ] {
            let outcome = guard(bound).admit(&headers(&[("host", host)]));
            assert_eq!(outcome.is_ok(), admitted, "{host} at {bound}");
        }
        let guard = guard("127.0.0.1:7373");
        assert_eq!(guard.admit(&HeaderMap::new()), Err(Refusal::ForeignHost));
        let two = headers(&[("host", "127.0.0.1:7373"), ("host", "evil.example:7373")]);
        assert_eq!(guard.admit(&two), Err(Refusal::ForeignHost));
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
            let fields = headers(&[("host", "127.0.0.1:7373"), ("origin", origin)]);
            assert_eq!(guard("127.0.0.1:7373").admit(&fields).is_ok(), admitted, "{origin}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wrong_token_is_answered_late_and_a_right_one_at_once() {
        let guard = guard("127.0.0.1:7373");
        let token = guard.token.expose().to_owned();
        let query = format!("x=1&token={token}");
        let protocols = format!("ropeway, token.{token}");
        let began = tokio::time::Instant::now();
        guard.check_bearer(&headers(&[("authorization", &format!("Bearer {token}"))])).await.unwrap();
        guard.check_socket(&HeaderMap::new(), Some(&query)).await.unwrap();
        guard.check_socket(&headers(&[("sec-websocket-protocol", &protocols)]), None).await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO);
        for fields in [vec![], vec![("authorization", "Bearer 0")], vec![("authorization", &*format!("Basic {token}"))]]
        {
            assert_eq!(guard.check_bearer(&headers(&fields)).await, Err(Refusal::BadToken));
        }
        assert_eq!(guard.check_socket(&HeaderMap::new(), Some("token=")).await, Err(Refusal::BadToken));
        assert_eq!(began.elapsed(), 4 * WRONG_TOKEN_DELAY);
    }
}
