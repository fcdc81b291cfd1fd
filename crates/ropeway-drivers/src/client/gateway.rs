//! Gateway to a server through a proxy. It connects to the proxy, and then does what its kind takes.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderValue, Uri};
use hyper_util::{
    client::legacy::connect::{
        HttpConnector,
        proxy::{SocksV4, SocksV5, Tunnel},
    },
    rt::TokioIo,
};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::{
    direct::{BoxError, Duplex},
    names::{self, Resolver},
    proxy::Proxy,
};

/// Where SOCKS is spoken unless the address says otherwise (RFC 1928 §3).
const SOCKS_PORT: u16 = 1080;

/// A stream to the proxy, or through it.
pub(super) type Stream = Pin<Box<dyn Duplex>>;

/// A proxy that connections lead through.
#[derive(Clone)]
pub(super) struct Gateway {
    kind: Kind,
    address: Uri,
    /// The user name and the password.
    login: Option<(String, String)>,
    authorization: Option<HeaderValue>,
    tls: Option<TlsConnector>,
}

/// What is spoken to a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Http,
    /// Who resolves names: this machine where it `is_local`, else the proxy.
    Socks4 {
        is_local: bool,
    },
    Socks5 {
        is_local: bool,
    },
}

impl Gateway {
    /// Gateway through `proxy`. That has to prove itself to `tls` where it is spoken to in private.
    pub(super) fn of(proxy: &Proxy, tls: Option<&ClientConfig>) -> Option<Self> {
        let kind = match proxy.url().expose().scheme() {
            "socks4" => Kind::Socks4 { is_local: true },
            "socks4a" => Kind::Socks4 { is_local: false },
            "socks5" => Kind::Socks5 { is_local: true },
            "socks5h" => Kind::Socks5 { is_local: false },
            _ => Kind::Http,
        };
        let tls = tls.filter(|_| proxy.is_secure()).map(|config| {
            let mut config = config.clone();
            config.alpn_protocols.clear();
            TlsConnector::from(Arc::new(config))
        });
        let address = address(proxy, (kind != Kind::Http).then_some(SOCKS_PORT))?;
        Some(Self { kind, address, login: proxy.login(), authorization: proxy.authorization(), tls })
    }

    /// Login for a request to `to`, where the proxy reads the request.
    pub(super) fn authorization(&self, to: &Uri) -> Option<&HeaderValue> {
        self.authorization.as_ref().filter(|_| self.reads(to))
    }

    /// True where the proxy reads requests to `to`. They name the whole address then, and the proxy sends its own.
    pub(super) fn reads(&self, to: &Uri) -> bool {
        self.kind == Kind::Http && to.scheme_str() != Some("https")
    }

    /// Stream that leads to `to`. It leads to the proxy where that reads the requests.
    pub(super) async fn connect(&self, http: HttpConnector<Resolver>, to: Uri) -> Result<Stream, BoxError> {
        let mut first = First { http, tls: self.tls.clone() };
        let proxy = self.address.clone();
        let opened = match self.kind {
            Kind::Http if self.reads(&to) => first.call(proxy).await?,
            Kind::Http => {
                let tunnel = Tunnel::new(proxy, first);
                let mut tunnel = match &self.authorization {
                    Some(login) => tunnel.with_auth(login.clone()),
                    None => tunnel,
                };
                tunnel.call(to).await?
            }
            Kind::Socks4 { is_local } => {
                SocksV4::new(proxy, first).call(resolved(&to, is_local, std::net::SocketAddr::is_ipv4).await?).await?
            }
            Kind::Socks5 { is_local } => {
                let socks = SocksV5::new(proxy, first);
                let mut socks = match self.login.clone() {
                    Some((user, password)) => socks.with_auth(user, password),
                    None => socks,
                };
                socks.call(resolved(&to, is_local, |_| true).await?).await?
            }
        };
        Ok(opened.into_inner())
    }
}

/// What a tunnel fails with, and what SOCKS does. The library names these types nowhere in public, but its services have
/// them as the types of their errors.
type TunnelFailure = <Tunnel<First> as Service<Uri>>::Error;
type SocksFailure = <SocksV5<First> as Service<Uri>>::Error;

/// Words of a proxy about a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginRefusal {
    /// It wants one, or does not take the one that it got.
    Login,
    /// It takes none of the ways to log in that were offered, of which it says no more (RFC 1928 §3).
    NoMethod,
}

/// Words of a cause about a login. `None` where it is about something else.
pub(crate) fn login_refusal(cause: &(dyn std::error::Error + 'static)) -> Option<LoginRefusal> {
    if let Some(tunnel) = cause.downcast_ref::<TunnelFailure>() {
        return matches!(tunnel, TunnelFailure::ProxyAuthRequired).then_some(LoginRefusal::Login);
    }
    match cause.downcast_ref::<SocksFailure>() {
        Some(SocksFailure::V5(refused)) => login_refusal_in_words(&refused.to_string()),
        _ => None,
    }
}

/// The same by the words of the library: the kinds of refusal in a SOCKS5 handshake cannot be named from outside of it. A
/// test holds each against a proxy that refuses so.
fn login_refusal_in_words(refused: &str) -> Option<LoginRefusal> {
    match refused {
        "credentials not accepted" => Some(LoginRefusal::Login),
        "server does not support user/pass authentication" => Some(LoginRefusal::NoMethod),
        // It chose another method than the one that was offered.
        "server implements authentication incorrectly" => Some(LoginRefusal::NoMethod),
        _ => None,
    }
}

/// Where `proxy` listens.
fn address(proxy: &Proxy, port: Option<u16>) -> Option<Uri> {
    let url = proxy.url().expose();
    let host = url.host_str()?;
    let authority = match url.port().or(port) {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let scheme = if proxy.is_secure() { "https" } else { "http" };
    Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build().ok()
}

/// `to` with its port, and with an address in the place of its name where that is looked up here.
async fn resolved(to: &Uri, is_local: bool, suits: impl Fn(&std::net::SocketAddr) -> bool) -> Result<Uri, BoxError> {
    let host = to.host().unwrap_or_default().to_owned();
    let port = to.port_u16().unwrap_or(if to.scheme_str() == Some("https") { 443 } else { 80 });
    let name = host.trim_matches(['[', ']']);
    let mut authority = format!("{host}:{port}");
    if is_local && name.parse::<std::net::IpAddr>().is_err() {
        let addresses = names::addresses(name).await.map_err(names::NameError)?;
        let mut found = addresses.into_iter().find(suits).ok_or("its name has no address that such a proxy takes")?;
        found.set_port(port);
        authority = found.to_string();
    }
    Ok(Uri::builder().scheme("http").authority(authority).path_and_query("/").build()?)
}

/// Connects to the proxy itself.
#[derive(Clone)]
struct First {
    http: HttpConnector<Resolver>,
    tls: Option<TlsConnector>,
}

impl Service<Uri> for First {
    type Response = TokioIo<Stream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.http.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, proxy: Uri) -> Self::Future {
        let tls = self.tls.clone();
        let host = proxy.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let connecting = self.http.call(proxy);
        Box::pin(async move {
            let tcp = connecting.await?.into_inner();
            let stream: Stream = match tls {
                Some(tls) => Box::pin(tls.connect(ServerName::try_from(host)?, tcp).await?),
                None => Box::pin(tcp),
            };
            Ok(TokioIo::new(stream))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socks_proxy_listens_at_1080_unless_its_address_says_otherwise() {
        for (proxy, address) in [
            ("socks5h://proxy.example", "http://proxy.example:1080/"),
            ("socks4://proxy.example:9050", "http://proxy.example:9050/"),
            ("http://proxy.example", "http://proxy.example/"),
            ("http://proxy.example:3128", "http://proxy.example:3128/"),
            ("https://proxy.example", "https://proxy.example/"),
        ] {
            let given = Proxy::given(&proxy.parse().unwrap()).unwrap();
            assert_eq!(Gateway::of(&given, None).unwrap().address, address, "{proxy}");
        }
    }

    #[tokio::test]
    async fn a_socks_proxy_is_told_the_port_of_the_scheme() {
        for (to, is_local, told) in [
            ("https://files.example/f", false, "http://files.example:443/"),
            ("http://files.example/f", false, "http://files.example:80/"),
            ("https://files.example:8443/f", false, "http://files.example:8443/"),
            ("https://192.0.2.1/f", true, "http://192.0.2.1:443/"),
            ("https://[2001:db8::1]/f", true, "http://[2001:db8::1]:443/"),
        ] {
            assert_eq!(resolved(&to.parse().unwrap(), is_local, |_| true).await.unwrap(), told, "{to}");
        }
    }
}
