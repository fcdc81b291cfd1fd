//! The HTTP clients of the process, made when they are first needed.
//!
//! All of them speak HTTP/1.1 only: over HTTP/2 the segments of a file would share one TCP connection. They neither
//! follow redirects (a redirect must not carry the user's headers elsewhere) nor undo content codings (ranges count
//! octets as sent), and they have no total timeout (a file may take days).

mod names;
mod proxy;
mod transport;
mod trust;

use std::{collections::HashMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use http::HeaderMap;
use parking_lot::Mutex;
use reqwest::{Client, Response, redirect::Policy};
use ropeway_model::{Connections, Network, SafeUrl};

pub(crate) use names::NameError;
use proxy::Proxy;
pub use transport::{Transport, TransportBody};

use crate::{DriverError, credential::Credentials, exchange::error::innermost};

/// Longest wait for a connection, TLS handshake included; a slower path is of no use for a transfer.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
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
/// What servers see in `User-Agent`, unless the user says otherwise.
const USER_AGENT: &str = concat!("Ropeway/", env!("CARGO_PKG_VERSION"));

/// The HTTP clients of the process, one per way to reach the network; cheap to make, cheap to clone.
#[derive(Clone, Default)]
pub struct Clients {
    kept: Arc<Mutex<HashMap<Way, Client>>>,
    /// What carries requests in the place of the network.
    instead: Option<Arc<dyn Transport>>,
    credentials: Arc<Credentials>,
}

/// A way to reach the network.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Way {
    ca_file: Option<PathBuf>,
    proxy: Option<Proxy>,
    /// Loading the system's certificates costs milliseconds and megabytes: plain HTTP goes without.
    secure: bool,
}

/// A client and what stands between it and the host.
pub(crate) struct Reach {
    pub(crate) client: Client,
    pub(crate) proxy: Option<SafeUrl>,
}

impl Clients {
    /// Clients whose every `GET` goes over `transport` and none over the network.
    pub fn over(transport: Arc<dyn Transport>) -> Self {
        Self { instead: Some(transport), ..Self::default() }
    }

    /// Lets every connection that is kept open go: requests from now on are made on new ones.
    pub fn reconnect(&self) {
        self.kept.lock().clear();
    }

    /// The answer of what stands in the place of the network; `None` where nothing does.
    pub(crate) async fn get_instead(&self, url: &SafeUrl, fields: HeaderMap) -> Option<Result<Response, DriverError>> {
        let transport = self.instead.as_ref()?;
        Some(transport.get(url, fields).await.map(transport::answered))
    }

    /// The client for requests of a job in `network` to `url`.
    ///
    /// A proxy named by the job is always used, and never passed by when it is down; the system's is not used for
    /// addresses of this machine.
    ///
    /// # Errors
    /// [`DriverError::CaFile`] and [`DriverError::Proxy`] where the job's settings cannot be used.
    pub(crate) async fn reach(&self, network: &Network, url: &SafeUrl) -> Result<Reach, DriverError> {
        let proxy = match &network.proxy {
            Some(given) => Some(Proxy::given(given)?),
            None => Proxy::of_the_system(url),
        };
        let secure = url.expose().scheme() == "https" || proxy.as_ref().is_some_and(Proxy::is_secure);
        let shown = proxy.as_ref().map(|proxy| proxy.url().clone());
        let ca_file = if secure { network.ca_file.clone() } else { None };
        let way = Way { ca_file, proxy, secure };
        if let Some(client) = self.kept.lock().get(&way) {
            return Ok(Reach { client: client.clone(), proxy: shown });
        }
        let client = build(way.clone(), url).await?;
        let mut kept = self.kept.lock();
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        // Whoever came first wins, so that all segments share one pool.
        let client = kept.entry(way).or_insert(client).clone();
        Ok(Reach { client, proxy: shown })
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

/// Makes the client, away from the runtime's own threads where files are read for it.
async fn build(way: Way, url: &SafeUrl) -> Result<Client, DriverError> {
    let host = url.host();
    if !way.secure {
        return make(&way, host);
    }
    // The blocking call fails only when the runtime is on its way out.
    tokio::task::spawn_blocking(move || make(&way, host)).await.unwrap_or(Err(DriverError::Canceled))
}

fn make(way: &Way, host: String) -> Result<Client, DriverError> {
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .http1_only()
        .redirect(Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .tcp_keepalive(KEEPALIVE_AFTER)
        .tcp_keepalive_interval(KEEPALIVE_INTERVAL)
        .tcp_keepalive_retries(KEEPALIVE_PROBES)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(usize::from(Connections::MAX))
        .dns_resolver(names::Resolver)
        .no_proxy();
    if let Some(proxy) = &way.proxy {
        builder = builder.proxy(proxy.for_client()?);
    }
    if !way.secure {
        builder = builder.tls_certs_only([]);
    } else if let Some(file) = &way.ca_file {
        builder = builder.tls_backend_preconfigured(trust::configuration(file, &host)?);
    }
    builder.build().map_err(|error| DriverError::Tls { host, reason: innermost(&error) })
}
