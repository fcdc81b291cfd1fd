//! Whom a request is for.
//!
//! A browser sends requests here for any page whose name points here, and anybody who owns a zone can make a name do so
//! (DNS rebinding); the page then reads the answers as its own. A number cannot be made to point elsewhere.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use http::{Request, Version, header, uri::Authority};

const HTTP_PORT: u16 = 80;

/// Why a request is not for this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostFault {
    /// It does not say for whom, or says it twice (RFC 9112 §3.2).
    Malformed,
    /// It is for somebody else.
    Foreign,
}

/// The names of a server.
#[derive(Clone, Debug)]
pub struct Hosts {
    address: SocketAddr,
    /// Whether the port has to be ours, too: it is another one behind a tunnel.
    is_port_checked: bool,
    further: Vec<HostName>,
}

/// A name that a server goes by, with the port that clients use if it has to be a certain one: `NAME` or `NAME:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName {
    name: String,
    port: Option<u16>,
}

/// A text that is no name of a host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a name such as files.example or files.example:8080, without a scheme or a path")]
pub struct HostNameError;

impl FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, HostNameError> {
        let authority: Authority = text.parse().map_err(|_| HostNameError)?;
        let port = authority.port_u16();
        let rest = text.strip_prefix(authority.host()).ok_or(HostNameError)?;
        let is_whole = rest.is_empty() || port.is_some_and(|port| rest == format!(":{port}"));
        if !is_whole || authority.host().is_empty() {
            return Err(HostNameError);
        }
        Ok(Self { name: authority.host().to_owned(), port })
    }
}

impl Hosts {
    /// Those of a server that listens on `address` and is reached at this port only.
    pub const fn of(address: SocketAddr) -> Self {
        Self { address, is_port_checked: true, further: Vec::new() }
    }

    /// Those of a server that may be reached through tunnels and proxies, and by `further` names.
    pub const fn with_further(address: SocketAddr, further: Vec<HostName>) -> Self {
        Self { address, is_port_checked: false, further }
    }

    /// Whom the request names, if that is this server. `None` where HTTP/1.0 names nobody.
    ///
    /// # Errors
    /// [`HostFault`] if it must not be answered.
    pub fn admit<B>(&self, request: &Request<B>) -> Result<Option<Authority>, HostFault> {
        let Some(named) = named(request)? else { return Ok(None) };
        if self.is_ours(&named) { Ok(Some(named)) } else { Err(HostFault::Foreign) }
    }

    /// Whether `named` is this server: `localhost`, a number, or one of the further names. Numbers beyond this machine's
    /// own loopback count only where the server was bound to the outside.
    fn is_ours(&self, named: &Authority) -> bool {
        let (name, port) = (named.host(), named.port_u16().unwrap_or(HTTP_PORT));
        let is_further = |further: &HostName| {
            further.name.eq_ignore_ascii_case(name) && further.port.is_none_or(|expected| expected == port)
        };
        if self.further.iter().any(is_further) {
            return true;
        }
        if self.is_port_checked && port != self.address.port() {
            return false;
        }
        if name.eq_ignore_ascii_case("localhost") {
            return true;
        }
        let number = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        let Ok(number) = number.parse::<IpAddr>() else { return false };
        number.to_canonical().is_loopback() || !self.address.ip().to_canonical().is_loopback()
    }
}

/// Whom a request is for by its own words: the `Host` field, which has to agree with the target where that tells, too.
fn named<B>(request: &Request<B>) -> Result<Option<Authority>, HostFault> {
    let mut fields = request.headers().get_all(header::HOST).iter();
    let field = match (fields.next(), fields.next()) {
        (None, _) if request.version() < Version::HTTP_11 => return Ok(request.uri().authority().cloned()),
        (Some(field), None) => field.to_str().ok().and_then(|text| text.parse::<Authority>().ok()),
        _ => None,
    };
    let field = field.filter(|field| !field.as_str().contains('@') && !field.host().is_empty());
    let field = field.ok_or(HostFault::Malformed)?;
    let port = |authority: &Authority| authority.port_u16().unwrap_or(HTTP_PORT);
    let agrees = |target: &Authority| {
        !target.as_str().contains('@')
            && target.host().eq_ignore_ascii_case(field.host())
            && port(target) == port(&field)
    };
    // The target would count (§3.2.2), but a client that says two things is not to be believed in either.
    if request.uri().authority().is_none_or(agrees) { Ok(Some(field)) } else { Err(HostFault::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str, version: Version, hosts: &[&str]) -> Request<()> {
        let request = Request::get(target).version(version);
        hosts.iter().fold(request, |request, host| request.header("host", *host)).body(()).unwrap()
    }

    fn outcome(hosts: &Hosts, host: &str) -> Option<HostFault> {
        hosts.admit(&request("/", Version::HTTP_11, &[host])).err()
    }

    #[test]
    fn only_our_own_address_is_a_host() {
        use HostFault::{Foreign, Malformed};
        for (bound, host, expected) in [
            ("127.0.0.1:7373", "127.0.0.1:7373", None),
            ("127.0.0.1:7373", "localhost:7373", None),
            ("127.0.0.1:7373", "LOCALHOST:7373", None),
            ("127.0.0.1:7373", "[::1]:7373", None),
            ("[::1]:7373", "[::1]:7373", None),
            ("127.0.0.1:80", "localhost", None),
            ("0.0.0.0:7373", "192.168.1.10:7373", None),
            ("127.0.0.1:7373", "192.168.1.10:7373", Some(Foreign)),
            ("127.0.0.1:7373", "127.0.0.1:7374", Some(Foreign)),
            ("127.0.0.1:7373", "127.0.0.1", Some(Foreign)),
            ("127.0.0.1:7373", "evil.example:7373", Some(Foreign)),
            ("127.0.0.1:7373", "localhost.evil.example:7373", Some(Foreign)),
            ("127.0.0.1:7373", "127.0.0.1.evil.example:7373", Some(Foreign)),
            ("127.0.0.1:7373", "127.0.0.1:7373@evil.example", Some(Malformed)),
            ("127.0.0.1:7373", "user@127.0.0.1:7373", Some(Malformed)),
            ("0.0.0.0:7373", "evil.example:7373", Some(Foreign)),
            ("127.0.0.1:7373", "", Some(Malformed)),
            ("127.0.0.1:7373", "a b", Some(Malformed)),
            ("127.0.0.1:7373", "127.0.0.1:7373/x", Some(Malformed)),
        ] {
            assert_eq!(outcome(&Hosts::of(bound.parse().unwrap()), host), expected, "{host} at {bound}");
        }
    }

    #[test]
    fn further_names_are_taken_and_a_tunnel_may_have_another_port() {
        let names = ["files.example", "Box:8080"].map(|name| name.parse().unwrap());
        let hosts = Hosts::with_further("127.0.0.1:7373".parse().unwrap(), names.to_vec());
        for (host, admitted) in [
            ("127.0.0.1:7373", true),
            ("localhost:9000", true),
            ("FILES.example", true),
            ("files.example:1234", true),
            ("box:8080", true),
            ("box", false),
            ("files.example.evil", false),
            ("192.168.1.10:7373", false),
        ] {
            assert_eq!(outcome(&hosts, host).is_none(), admitted, "{host}");
        }
    }

    #[test]
    fn a_request_says_once_whom_it_is_for() {
        use HostFault::{Foreign, Malformed};
        let hosts = Hosts::of("127.0.0.1:7373".parse().unwrap());
        let own = "127.0.0.1:7373";
        let absolute = "http://127.0.0.1:7373/a";
        for (target, version, fields, expected) in [
            ("/a", Version::HTTP_11, vec![], Some(Malformed)),
            ("/a", Version::HTTP_11, vec![own, own], Some(Malformed)),
            ("/a", Version::HTTP_11, vec![own, "evil.example"], Some(Malformed)),
            (absolute, Version::HTTP_11, vec![own], None),
            (absolute, Version::HTTP_11, vec![], Some(Malformed)),
            (absolute, Version::HTTP_11, vec!["evil.example"], Some(Malformed)),
            ("http://evil.example/a", Version::HTTP_11, vec![own], Some(Malformed)),
            ("http://evil.example/a", Version::HTTP_11, vec!["evil.example"], Some(Foreign)),
            ("http://user@127.0.0.1:7373/a", Version::HTTP_11, vec![own], Some(Malformed)),
            ("/a", Version::HTTP_10, vec![], None),
            ("/a", Version::HTTP_10, vec![own, own], Some(Malformed)),
            ("/a", Version::HTTP_10, vec!["evil.example"], Some(Foreign)),
            ("http://evil.example/a", Version::HTTP_10, vec![], Some(Foreign)),
        ] {
            let outcome = hosts.admit(&request(target, version, &fields));
            assert_eq!(outcome.err(), expected, "{target} {version:?} {fields:?}");
        }
    }

    #[test]
    fn a_name_is_a_name() {
        for text in ["", "http://a", "a/b", "user@a", "a:", "a:x", "a b", ":80"] {
            assert_eq!(text.parse::<HostName>(), Err(HostNameError), "{text}");
        }
        assert_eq!("[::1]:80".parse(), Ok(HostName { name: "[::1]".to_owned(), port: Some(80) }));
    }
}
