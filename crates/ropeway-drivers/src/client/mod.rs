//! The HTTP clients of the process, made when they are first needed.
//!
//! Each way to reach the network has two: one offers HTTP/2, so that many small files come over one connection, and one
//! speaks HTTP/1.1 only, since over HTTP/2 the segments of a large file would share one TCP connection. They neither
//! follow redirects (a redirect must not carry the user's headers elsewhere) nor undo content codings (ranges count
//! octets as sent), and they have no total timeout (a file may take days).

mod address_scope;
mod direct;
mod gateway;
mod head_guard;
mod names;
mod narrow;
mod proxy;
mod reads;
mod shared;
mod transport;
mod trust;

use std::{collections::HashMap, fmt, net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use parking_lot::Mutex;
use reqwest::{Client, redirect::Policy};
use ropeway_model::{Network, SafeUrl};
use tokio::sync::OnceCell;
use url::{Host, Origin, Url};

pub(crate) use address_scope::AddressScope;
use address_scope::AddressScopes;
use direct::HTTP2;
pub(crate) use direct::{Direct, Peer};
use gateway::Gateway;
pub(crate) use gateway::{LoginRefusal, login_refusal};
pub(crate) use head_guard::FramingError;
pub(crate) use names::{NameError, NearError};
pub(crate) use narrow::ahead;
use proxy::Proxy;
use reads::Reads;
use shared::Servers;
pub(crate) use shared::{AlpnLead, Connection, Server};
pub(crate) use transport::answered;
pub use transport::{Transport, TransportBody};

use crate::{
    DriverError, Patience,
    credential::Credentials,
    send::{LARGEST_HEAD, error::innermost},
};

/// Longest wait for a connection, TLS handshake included; a slower path is of no use for a transfer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest wait for a connection in this process.
pub(crate) fn connect_timeout() -> Duration {
    Patience::chosen().connect.unwrap_or(CONNECT_TIMEOUT)
}

/// A peer that vanished is found by probes of the kernel even where nothing is being read.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
/// Pause between two of those probes.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// Probes without an answer that end a connection.
const KEEPALIVE_PROBES: u32 = 4;
/// Servers close idle connections after 60 to 75 s; reusing one near its end costs a failed request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// Ways to reach the network that are kept ready. More exist only while jobs use that many CA files and proxies.
const MOST_KEPT: usize = 16;
/// Bytes that one answer over HTTP/2 may have under way or unread: enough for 160 Mbit/s at a round trip of 100 ms, and
/// no more than the kernel holds for a connection in HTTP/1.1.
const STREAM_WINDOW: u32 = 2 << 20;
/// The same for all answers over one connection: a few that nobody reads at the moment hold no others up.
const CONNECTION_WINDOW: u32 = 4 * STREAM_WINDOW;
/// A connection that carries answers and is silent is asked for a sign of life this often. Without it one whose peer
/// vanished would be taken for every new request, until the kernel finds out.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// Wait for that sign before the connection is given up.
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// Largest head over HTTP/2, where each field counts 32 octets more (RFC 9113 §6.5.2). Well above [`LARGEST_HEAD`], so
/// that a head between the two is refused by name and in the same words as over HTTP/1.1.
#[expect(clippy::cast_possible_truncation, reason = "a constant below 2^32")]
const LARGEST_HEADER_LIST: u32 = 4 * LARGEST_HEAD as u32;
/// Fields of a head over HTTP/1.1. Some programs send hundreds of short ones; what they come to has a limit of its own.
const MOST_FIELDS: usize = 1000;
/// What servers see in `User-Agent`, unless the user says otherwise.
const USER_AGENT: &str = concat!("Ropeway/", env!("CARGO_PKG_VERSION"));

/// HTTP clients of the process, one per way to reach the network. Cheap to make, cheap to clone.
#[derive(Clone, Default)]
pub struct Clients {
    kept: Arc<Mutex<HashMap<ClientKey, Arc<OnceCell<Pair>>>>>,
    servers: Arc<Servers>,
    scopes: AddressScopes,
    reads: Reads,
    /// What carries requests in the place of the network.
    transport_override: Option<Arc<dyn Transport>>,
    credentials: Arc<Credentials>,
}

/// Key of the clients that reach the network in one way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ClientKey {
    ca_file: Option<PathBuf>,
    proxy: Option<Proxy>,
    /// Scope that an address must have at least.
    min_scope: AddressScope,
    /// Loading the system's certificates costs milliseconds and megabytes: plain HTTP goes without.
    secure: bool,
}

/// The clients of one key: one speaks HTTP/1.1 only, the shared one offers HTTP/2 beside it. The shared one's connections
/// are shared where the server takes the offer.
#[derive(Clone, Debug)]
struct Pair {
    http1: Direct,
    shared: Direct,
    /// Makes the requests for both, and sends none.
    writer: Client,
}

impl Pair {
    /// The client that sends a request. The receive buffer is as `connection` wants it.
    fn sender(self, connection: Connection, is_offered: bool) -> Direct {
        if is_offered { self.shared } else { narrowed(self.http1, connection) }
    }
}

/// The same client with a receive buffer as `connection` wants it.
fn narrowed(client: Direct, connection: Connection) -> Direct {
    let Connection::Narrow(pace) = connection else { return client };
    match narrow::buffer(pace).and_then(|bytes| usize::try_from(bytes).ok()) {
        Some(buffer) => client.narrow(buffer),
        None => client,
    }
}

/// A client and what stands between it and the host.
pub(crate) struct Route {
    /// Makes the request.
    pub(crate) client: Client,
    /// Sends it.
    pub(crate) direct: Direct,
    pub(crate) proxy: Option<SafeUrl>,
    /// There where the client offers HTTP/2.
    pub(crate) offer: Option<AlpnLead>,
    /// There where HTTP/2 may be spoken.
    pub(crate) server: Option<Arc<Server>>,
}

impl Clients {
    /// Clients whose every request goes over `transport` and none over the network.
    pub fn over(transport: Arc<dyn Transport>) -> Self {
        Self { transport_override: Some(transport), ..Self::default() }
    }

    /// Closes every kept connection. Requests from now on are made on new ones. The machine may be in another network
    /// by now.
    pub fn reconnect(&self) {
        self.kept.lock().clear();
        self.servers.forget();
        self.scopes.forget();
    }

    /// True where `from` may name `to` as another address of a file. In `network`, `to` must not be nearer to this
    /// machine than `from`. What a proxy reaches is the proxy's to refuse.
    pub async fn may_redirect(&self, from: &SafeUrl, to: &SafeUrl, network: &Network) -> bool {
        match to.expose().host() {
            // No name is looked up where there is no network.
            Some(_) if self.transport_override.is_some() || is_proxied(network, to) => true,
            Some(host) => {
                let min_scope = self.min_scope(&from.expose().origin(), to, network).await;
                self.scopes.of(&host.to_owned()).await >= min_scope
            }
            None => false,
        }
    }

    /// Scope that `url` must have at least, against SSRF. A job in `network` is led as near to this machine as its
    /// user's own `origin` is. The user's own address leads anywhere; what a proxy reaches is the proxy's to refuse. No
    /// name that is asked for through a proxy is looked up here: who uses one may not want it to be known.
    pub(crate) async fn min_scope(&self, origin: &Origin, url: &SafeUrl, network: &Network) -> AddressScope {
        match origin {
            _ if self.transport_override.is_some() || url.expose().origin() == *origin || is_proxied(network, url) => {
                AddressScope::Machine
            }
            Origin::Tuple(_, host, _) => {
                let own = Url::parse(&origin.ascii_serialization()).map(SafeUrl::from);
                if own.is_ok_and(|own| is_proxied(network, &own)) {
                    self.scopes.known(host).unwrap_or(AddressScope::Public)
                } else {
                    self.scopes.of(host).await
                }
            }
            Origin::Opaque(_) => AddressScope::Machine,
        }
    }

    /// An address of `origin` that its user typed was answered from there.
    pub(crate) fn remember(&self, origin: &Origin, scope: AddressScope) {
        if let Origin::Tuple(_, host, _) = origin {
            self.scopes.remember(host, scope);
        }
    }

    /// The transport in the place of the network.
    pub(crate) fn transport_override(&self) -> Option<&dyn Transport> {
        self.transport_override.as_deref()
    }

    /// The client for a request of a job in `network` to `url`. Where nobody knows yet how the server speaks, waits a
    /// moment for the request that finds out.
    ///
    /// An address below `min_scope` is not reached, unless by a proxy. A proxy named by the job is always used, and
    /// never passed by when it is down; the system's is not used for addresses of this machine.
    ///
    /// # Errors
    /// [`DriverError::CaFile`], [`DriverError::Proxy`] and [`DriverError::ProxyVariable`] where the job's settings or
    /// those of the environment cannot be used;
    /// [`DriverError::PrivateAddressBlocked`] where `url` names an address that is.
    pub(crate) async fn route(
        &self,
        network: &Network,
        url: &SafeUrl,
        min_scope: AddressScope,
        connection: Connection,
    ) -> Result<Route, DriverError> {
        let proxy = proxy_to(network, url)?;
        // What a proxy reaches is the proxy's to refuse.
        let min_scope = if proxy.is_some() { AddressScope::Machine } else { min_scope };
        let is_near = |address: IpAddr| AddressScope::of(address) < min_scope;
        let address: Option<IpAddr> = match url.expose().host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            _ => None,
        };
        if address.is_some_and(is_near) {
            return Err(DriverError::PrivateAddressBlocked { url: url.clone() });
        }
        let may_share = url.expose().scheme() == "https";
        let secure = may_share || proxy.as_ref().is_some_and(Proxy::is_secure);
        let shown = proxy.as_ref().map(|proxy| proxy.url().clone());
        let ca_file = if secure { network.ca_file.clone() } else { None };
        let key = ClientKey { ca_file, proxy, min_scope, secure };
        let pair = self.pair(&key, url).await?;
        let server = may_share.then(|| self.servers.of(&key, url));
        let offer = match &server {
            Some(server) => Arc::clone(server).approach(connection).await,
            None => None,
        };
        let (client, direct) = (pair.writer.clone(), pair.sender(connection, offer.is_some()));
        Ok(Route { client, direct, proxy: shown, offer, server })
    }

    /// The clients of a key, made once however many jobs begin at the same time.
    async fn pair(&self, key: &ClientKey, url: &SafeUrl) -> Result<Pair, DriverError> {
        let cell = {
            let mut kept = self.kept.lock();
            if kept.len() >= MOST_KEPT && !kept.contains_key(key) {
                kept.clear();
            }
            Arc::clone(kept.entry(key.clone()).or_default())
        };
        cell.get_or_try_init(|| self.build(key.clone(), url)).await.cloned()
    }

    /// Makes the clients, away from the runtime's own threads where files are read for them.
    async fn build(&self, key: ClientKey, url: &SafeUrl) -> Result<Pair, DriverError> {
        let (host, reads) = (url.host(), self.reads.clone());
        if !key.secure {
            return make(&key, &host, &reads);
        }
        // The blocking call fails only when the runtime is on its way out.
        tokio::task::spawn_blocking(move || make(&key, &host, &reads)).await.unwrap_or(Err(DriverError::Canceled))
    }
}

impl Clients {
    /// The files with logins and cookies that jobs have named.
    pub(crate) const fn credentials(&self) -> &Arc<Credentials> {
        &self.credentials
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Clients").field("kept", &self.kept.lock().len()).finish_non_exhaustive()
    }
}

/// The proxy that a job in `network` reaches `url` through.
fn proxy_to(network: &Network, url: &SafeUrl) -> Result<Option<Proxy>, DriverError> {
    match &network.proxy {
        Some(given) => Proxy::given(given).map(Some),
        None => Proxy::of_the_system(url),
    }
}

/// Whether there is one; where none can be used no request is sent either.
fn is_proxied(network: &Network, url: &SafeUrl) -> bool {
    !matches!(proxy_to(network, url), Ok(None))
}

fn make(key: &ClientKey, host: &str, reads: &Reads) -> Result<Pair, DriverError> {
    let failed = |error: &reqwest::Error| DriverError::Tls { host: host.to_owned(), reason: innermost(error) };
    let writer = Client::builder().tls_certs_only([]).http1_only().no_proxy().referer(false).redirect(Policy::none());
    let writer = writer.build().map_err(|error| failed(&error))?;
    // One for both: the system's authorities are loaded once, and either resumes what the other began.
    let trust = if key.secure { Some(trust::configuration(key.ca_file.as_deref(), host)?) } else { None };
    let gateway = match &key.proxy {
        None => None,
        Some(proxy) => Some(Gateway::of(proxy, trust.as_ref()).ok_or_else(|| DriverError::Proxy {
            proxy: proxy.url().clone(),
            reason: "it is no address of a host".to_owned(),
        })?),
    };
    let direct = |tls| Direct::new(names::Resolver(key.min_scope), tls, reads.clone(), gateway.clone());
    let Some(trust) = trust else {
        let http1 = direct(None);
        return Ok(Pair { shared: http1.clone(), http1, writer });
    };
    let speaking = |protocols: &[&[u8]]| {
        let mut config = trust.clone();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        direct(Some(config))
    };
    Ok(Pair { http1: speaking(&[b"http/1.1"]), shared: speaking(&[HTTP2, b"http/1.1"]), writer })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_a_proxy_reaches_is_not_looked_up_here() {
        let clients = Clients::default();
        let network = Network { proxy: "socks5h://127.0.0.1:1".parse().ok(), ..Network::default() };
        let (far, near) = ("https://198.51.100.7/list".parse().unwrap(), "http://a.localhost/f".parse().unwrap());
        assert!(clients.may_redirect(&far, &near, &network).await);
        assert_eq!(clients.scopes.known(&Host::Domain("a.localhost".to_owned())), None);
    }

    #[tokio::test]
    async fn the_users_own_address_and_what_a_proxy_reaches_lead_anywhere() {
        let clients = Clients::default();
        let proxied = Network { proxy: "http://127.0.0.1:1".parse().ok(), ..Network::default() };
        let own: SafeUrl = "https://198.51.100.7/f".parse().unwrap();
        for (network, to, min_scope) in [
            (&Network::default(), "https://198.51.100.7/other", AddressScope::Machine),
            (&Network::default(), "https://198.51.100.8/f", AddressScope::Public),
            (&proxied, "https://198.51.100.8/f", AddressScope::Machine),
        ] {
            let to = to.parse().unwrap();
            assert_eq!(clients.min_scope(&own.expose().origin(), &to, network).await, min_scope, "{to}");
        }
    }
}
