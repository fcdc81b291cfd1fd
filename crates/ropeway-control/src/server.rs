//! The running server.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::Request;
use hyper::{
    body::Incoming,
    service::{Service as _, service_fn},
};
use hyper_util::service::TowerToHyperService;
use ropeway_api::Api;
use ropeway_net::{listen, visit::Visit};
use tokio::{net::TcpListener, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    bookmark::Bookmark,
    contract::Contract,
    endpoint::{Endpoint, EndpointError},
    events,
    files::{self, Tickets},
    guard::Guard,
    page,
    refusal::Refusal,
    rpc,
    token::Token,
};

/// Time that WebSockets have to say goodbye.
const FAREWELL: Duration = Duration::from_secs(2);

/// The port of a queue that had none yet: none that systems give to outgoing connections.
const FIRST_PORT: u16 = 7373;
/// Any free port of this machine.
const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Longest question that a proof is given for.
const LONGEST_NONCE: usize = 128;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The address is taken, not ours, or reserved.
    #[error("cannot listen on {address}: {source}")]
    BindFailed {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The command line would not find the engine.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The system gives no random numbers.
    #[error("no token could be made: the system gives no random numbers")]
    NoRandomness,
}

impl ControlError {
    /// The code scripts match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BindFailed { .. } => "BIND_FAILED",
            Self::Endpoint(_) => "STATE_FAILED",
            Self::NoRandomness => "NO_RANDOMNESS",
        }
    }

    fn panicked(place: Place, error: tokio::task::JoinError) -> Self {
        let address = match place {
            Place::Exactly(address) => address,
            Place::AsBefore => ANY_PORT,
        };
        Self::BindFailed { address, source: io::Error::other(error) }
    }

    /// The user's next step.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::BindFailed { .. } => "Choose another port, or 0 for any free one, and an address of this machine.",
            Self::Endpoint(_) => "Make the data folder writable for you, or name another one with ROPEWAY_DATA_DIR.",
            Self::NoRandomness => "Try again once the system has started completely.",
        }
    }
}

/// What all requests share.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    pub(crate) engine: Arc<dyn Contract>,
    pub(crate) guard: Guard,
    /// Ends the WebSockets, which outlive the requests they came from.
    pub(crate) stopping: CancellationToken,
    pub(crate) listeners: TaskTracker,
    /// Links to finished files.
    pub(crate) tickets: Tickets,
}

/// Where a server listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At this address and no other; port 0 takes any free one.
    Exactly(SocketAddr),
    /// On this machine, at the port of the last start that chose one: a bookmark of the page lives on. Where another
    /// program has taken it meanwhile, at any free port, for this time.
    AsBefore,
}

/// A server that listens but does not answer yet: [`ControlServer::run`] does.
#[derive(Debug)]
pub struct ControlServer {
    listener: TcpListener,
    address: SocketAddr,
    url_with_token: String,
    control: Control,
    endpoint: Endpoint,
    data_folder: PathBuf,
    taken: Option<SocketAddr>,
}

/// Listens, and leaves the address and the token in `data_folder`.
///
/// # Errors
/// [`ControlError`] if the address or the folder cannot be used.
pub async fn bind(api: Api, place: Place, data_folder: &std::path::Path) -> Result<ControlServer, ControlError> {
    bind_contract(Arc::new(api), place, data_folder).await
}

/// [`bind`] for whatever keeps the contract.
async fn bind_contract(
    engine: Arc<dyn Contract>,
    place: Place,
    data_folder: &std::path::Path,
) -> Result<ControlServer, ControlError> {
    let folder = data_folder.to_owned();
    let kept = tokio::task::spawn_blocking(move || Bookmark::read(&folder)).await;
    let kept = kept.map_err(|error| ControlError::panicked(place, error))??;
    let (listener, occupied) = listen_at(place, kept.port)?;
    let address = listener.local_addr().map_err(|source| ControlError::BindFailed { address: ANY_PORT, source })?;
    let token = Token::random().map_err(|_| ControlError::NoRandomness)?;
    let bookmark = Bookmark { port: port_to_keep(place, kept.port, address) };
    let url = format!("http://{}", reachable(address));
    let endpoint = Endpoint::new(url, token.clone());
    let url_with_token = endpoint.url_with_token();
    let (written, folder) = (endpoint.clone(), data_folder.to_owned());
    let write = move || bookmark.write(&folder).and_then(|()| written.write(&folder));
    tokio::task::spawn_blocking(write).await.map_err(|error| ControlError::panicked(place, error))??;
    let control = Control {
        engine,
        guard: Guard::new(address, token),
        stopping: CancellationToken::new(),
        listeners: TaskTracker::new(),
        tickets: Tickets::default(),
    };
    Ok(ControlServer {
        listener,
        address,
        url_with_token,
        control,
        endpoint,
        data_folder: data_folder.to_owned(),
        taken: occupied,
    })
}

/// The port that the next start asks for, if it is told none.
const fn port_to_keep(place: Place, before: Option<u16>, now: SocketAddr) -> Option<u16> {
    match (place, before) {
        // Any free port was good enough for that start; it is no choice.
        (Place::Exactly(asked), _) if asked.port() == 0 => before,
        (Place::Exactly(asked), _) => Some(asked.port()),
        // A port that is taken for once is asked for again.
        (Place::AsBefore, Some(port)) => Some(port),
        (Place::AsBefore, None) => Some(now.port()),
    }
}

/// Listens at the place; `kept` is the port of the last time. Tells too which address was taken by another program.
fn listen_at(place: Place, kept: Option<u16>) -> Result<(TcpListener, Option<SocketAddr>), ControlError> {
    let at = |address| listen::bind(address, None).map_err(|source| ControlError::BindFailed { address, source });
    match place {
        Place::Exactly(address) => Ok((at(address)?, None)),
        Place::AsBefore => {
            let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, kept.unwrap_or(FIRST_PORT)));
            match at(wanted) {
                Ok(listener) => Ok((listener, None)),
                Err(taken) => {
                    tracing::info!(%taken, "another port is taken for this time");
                    Ok((at(ANY_PORT)?, Some(wanted)))
                }
            }
        }
    }
}

/// The address a program of this machine connects to: one cannot connect to "all addresses".
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

impl ControlServer {
    /// The address it listens on, with the port the system chose.
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The address of the last time, where another program has it now.
    pub const fn taken(&self) -> Option<SocketAddr> {
        self.taken
    }

    /// The page's address for the user's browser, with the secret that opens it.
    pub fn url_with_token(&self) -> &str {
        &self.url_with_token
    }

    /// Answers until `shutdown` resolves, then lets running calls finish, closes the WebSockets and takes the endpoint
    /// away.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, control, endpoint, data_folder, .. } = self;
        let (stopping, listeners) = (control.stopping.clone(), control.listeners.clone());
        let service = TowerToHyperService::new(router(control));
        let shutdown = async {
            shutdown.await;
            stopping.cancel();
        };
        let service_for = |visit: Arc<Visit>| {
            let service = service.clone();
            service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(Arc::clone(&visit));
                service.call(request)
            })
        };
        listen::run(listener, service_for, shutdown).await;
        listeners.close();
        if timeout(FAREWELL, listeners.wait()).await.is_err() {
            tracing::debug!(listeners = listeners.len(), "listeners left without goodbye");
        }
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || endpoint.remove(&data_folder)).await {
            tracing::warn!(%error, "endpoint not removed");
        }
    }
}

fn router(control: Control) -> Router {
    let wrong_method = async || Refusal::WrongMethod;
    Router::new()
        .route("/rpc", post(rpc::call))
        .route("/events", get(events::listen))
        .route("/files/{of}", post(files::ticket).get(files::file))
        .route("/proof/{nonce}", get(prove))
        .fallback_service(get(page::file).fallback(wrong_method))
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(control.clone(), admit))
        .with_state(control)
}

/// Proves that this is the server whose token the caller has, before the caller shows it: while no engine runs, any
/// program of any user of this machine may listen in its place.
async fn prove(State(control): State<Control>, Path(nonce): Path<String>) -> Response {
    if nonce.len() > LONGEST_NONCE {
        return Refusal::NotFound.into_response();
    }
    axum::Json(serde_json::json!({ "proof": control.guard.proof(&nonce) })).into_response()
}

/// Goes before everything else: refuses foreign pages and tells browsers what our answers may do.
async fn admit(State(control): State<Control>, request: Request<Body>, next: Next) -> Response {
    let mut response = match control.guard.admit(&request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => {
            tracing::warn!(?refusal, "refused");
            refusal.into_response()
        }
    };
    page::harden(response.headers_mut());
    response
}

#[cfg(test)]
mod tests;
