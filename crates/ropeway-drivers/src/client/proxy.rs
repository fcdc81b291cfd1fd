//! Proxies: the one a job names, else the system's.

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use ropeway_model::SafeUrl;
use url::{Host, Url};

use crate::{DriverError, exchange::error::innermost};

/// Schemes of the proxies that are spoken to; `socks5h` and `socks4a` leave the resolving of names to the proxy.
const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// A proxy with its login.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Proxy {
    url: SafeUrl,
    authorization: Option<HeaderValue>,
}

impl Proxy {
    /// The proxy the user names.
    pub(super) fn given(url: &SafeUrl) -> Result<Self, DriverError> {
        let scheme = url.expose().scheme();
        if SCHEMES.contains(&scheme) {
            return Ok(Self { url: url.clone(), authorization: None });
        }
        let reason = format!("{scheme}:// is no kind of proxy; use http, https, socks4, socks4a, socks5 or socks5h");
        Err(DriverError::Proxy { proxy: url.clone(), reason })
    }

    /// The proxy that the system's settings and the environment (`https_proxy`, `no_proxy`, …) name for `target`.
    pub(super) fn of_the_system(target: &SafeUrl) -> Option<Self> {
        Self::among(&Matcher::from_system(), target)
    }

    fn among(proxies: &Matcher, target: &SafeUrl) -> Option<Self> {
        if is_this_machine(target.expose()) {
            return None;
        }
        let origin = target.expose().origin().ascii_serialization();
        let found = proxies.intercept(&origin.parse::<Uri>().ok()?)?;
        let mut url = Url::parse(&found.uri().to_string()).ok()?;
        if let Some((user, password)) = found.raw_auth() {
            url.set_username(user).ok()?;
            url.set_password(Some(password)).ok()?;
        }
        let authorization = found.basic_auth().cloned();
        let proxy = Self { url: url.into(), authorization };
        SCHEMES.contains(&proxy.url.expose().scheme()).then_some(proxy)
    }

    pub(super) const fn url(&self) -> &SafeUrl {
        &self.url
    }

    /// Whether the connection to the proxy itself is encrypted.
    pub(super) fn is_secure(&self) -> bool {
        self.url.expose().scheme() == "https"
    }

    pub(super) fn for_client(&self) -> Result<reqwest::Proxy, DriverError> {
        let proxy = reqwest::Proxy::all(self.url.expose().clone())
            .map_err(|error| DriverError::Proxy { proxy: self.url.clone(), reason: innermost(&error) })?;
        Ok(match &self.authorization {
            Some(login) => proxy.custom_http_auth(login.clone()),
            None => proxy,
        })
    }
}

/// Whether the address is one of this machine, which no proxy can reach in its place.
fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(proxies: &Matcher, target: &str) -> Option<Proxy> {
        Proxy::among(proxies, &target.parse().unwrap())
    }

    #[test]
    fn the_systems_proxy_is_for_others_than_this_machine_and_the_exceptions() {
        let proxies = Matcher::builder().all("http://proxy.example:3128").no("internal.example").build();
        for (target, proxied) in [
            ("http://example.org/f", true),
            ("https://example.org:8443/f", true),
            ("https://192.0.2.1/f", true),
            ("http://internal.example/f", false),
            ("http://localhost:8080/f", false),
            ("http://a.localhost/f", false),
            ("http://127.0.0.1/f", false),
            ("http://127.9.9.9:1/f", false),
            ("http://[::1]/f", false),
            ("http://[::ffff:127.0.0.1]/f", false),
            ("http://2130706433/f", false),
        ] {
            assert_eq!(chosen(&proxies, target).is_some(), proxied, "{target}");
        }
    }

    #[test]
    fn the_systems_proxy_keeps_its_login_and_its_kind() {
        let http = Matcher::builder().all("http://user:password@proxy.example:3128").build();
        let proxy = chosen(&http, "https://example.org/").unwrap();
        assert!(proxy.authorization.is_some() && !proxy.is_secure());
        let socks = Matcher::builder().all("socks5h://user:password@proxy.example:1080").build();
        let proxy = chosen(&socks, "https://example.org/").unwrap();
        assert_eq!(proxy.url().expose().as_str(), "socks5h://user:password@proxy.example:1080/");
        let secure = Matcher::builder().all("https://proxy.example").build();
        assert!(chosen(&secure, "http://example.org/").unwrap().is_secure());
    }
}
