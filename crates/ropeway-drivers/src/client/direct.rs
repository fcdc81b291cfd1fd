//! The client that every byte comes by, through a proxy, too. It is made of the parts that the HTTP library makes its own
//! of, and adds a look at each head and a say in how much is read from a connection at a time.

use std::{
    error::Error,
    fmt,
    future::Future,
    io,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use http::{HeaderValue, Uri, header};
use hyper_util::{
    client::legacy::{
        self,
        connect::{Connected, Connection, HttpConnector},
    },
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use reqwest::{Body, Request, Response};
use ropeway_model::Connections;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf, Take};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::{
    CONNECTION_WINDOW, IDLE_TIMEOUT, KEEPALIVE_AFTER, KEEPALIVE_INTERVAL, KEEPALIVE_PROBES, LARGEST_HEADER_LIST,
    MOST_FIELDS, PING_INTERVAL, PING_TIMEOUT, STREAM_WINDOW, USER_AGENT, connect_timeout,
    gateway::Gateway,
    head_guard::HeadGuard,
    names::{self, Resolver},
    reads::{Reader, Reads},
};
use crate::{driver::Handshake, send::error::RequestError};

/// Name of HTTP/2 in a handshake (RFC 9113 §3.1).
pub(super) const HTTP2: &[u8] = b"h2";

/// A client of one way to reach the network. Cheap to clone, all clones share their connections.
#[derive(Clone)]
pub(crate) struct Direct {
    client: Arc<legacy::Client<Connector, Body>>,
    connector: Arc<Connector>,
}

impl Direct {
    /// Client that asks `resolver` for addresses and trusts whom `tls` trusts. Reads as much at a time as `reads`
    /// allows. Speaks HTTP/2 where `tls` offers it and the server takes the offer. Goes through `gateway` if there is
    /// one.
    pub(super) fn new(resolver: Resolver, tls: Option<ClientConfig>, reads: Reads, gateway: Option<Gateway>) -> Self {
        let mut http = HttpConnector::new_with_resolver(resolver);
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(connect_timeout()));
        http.set_keepalive(Some(KEEPALIVE_AFTER));
        http.set_keepalive_interval(Some(KEEPALIVE_INTERVAL));
        http.set_keepalive_retries(Some(KEEPALIVE_PROBES));
        let tls = tls.map(|config| TlsConnector::from(Arc::new(config)));
        Self::over(Connector { http, tls, reads, gateway }, usize::from(Connections::MAX))
    }

    /// A client whose connections have a receive buffer of so many bytes. They are its own, and end with their answers.
    pub(super) fn narrow(&self, buffer: usize) -> Self {
        let mut connector = Connector::clone(&self.connector);
        // Set before the first packet, which is what tells the server of it.
        connector.http.set_recv_buffer_size(Some(buffer));
        Self::over(connector, 0)
    }

    fn over(connector: Connector, kept: usize) -> Self {
        let client = legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(kept)
            // As others write them: some servers find `host` where it has a capital only.
            .http1_title_case_headers(true)
            .http1_max_headers(MOST_FIELDS)
            // As others read them. What tells the end of a body is looked at in `head_guard`.
            .http1_allow_spaces_after_header_name_in_responses(true)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .http1_ignore_invalid_headers_in_responses(true)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .http2_max_header_list_size(LARGEST_HEADER_LIST)
            .http2_keep_alive_interval(PING_INTERVAL)
            .http2_keep_alive_timeout(PING_TIMEOUT)
            .build(connector.clone());
        Self { client: Arc::new(client), connector: Arc::new(connector) }
    }

    /// Sends a request, and returns the head of the answer.
    ///
    /// # Errors
    /// Whatever kept the answer from coming.
    pub(crate) async fn send(&self, mut request: Request) -> Result<Response, RequestError> {
        let fields = request.headers_mut();
        fields.entry(header::ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        fields.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(USER_AGENT));
        let to: Option<Uri> = request.url().as_str().parse().ok();
        let gateway = self.connector.gateway.as_ref().zip(to);
        if let Some(login) = gateway.as_ref().and_then(|(gateway, to)| gateway.authorization(to)) {
            request.headers_mut().insert(header::PROXY_AUTHORIZATION, login.clone());
        }
        let answer = self.client.request(request.try_into().map_err(RequestError::Library)?).await;
        Ok(answer.map_err(RequestError::Direct)?.map(Body::wrap).into())
    }
}

impl fmt::Debug for Direct {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Direct").finish_non_exhaustive()
    }
}

/// Makes connections, with TLS where the address asks for it.
#[derive(Clone)]
struct Connector {
    http: HttpConnector<Resolver>,
    tls: Option<TlsConnector>,
    reads: Reads,
    gateway: Option<Gateway>,
}

pub(super) type BoxError = Box<dyn Error + Send + Sync>;

impl Service<Uri> for Connector {
    type Response = TokioIo<MeteredStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.http.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let connected = tokio::time::timeout(connect_timeout(), connector.open(to)).await;
            connected.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into())).map(TokioIo::new)
        })
    }
}

impl Connector {
    async fn open(mut self, to: Uri) -> Result<MeteredStream, BoxError> {
        let began = Instant::now();
        let is_secure = to.scheme_str() == Some("https");
        let tls = self.tls.clone().filter(|_| is_secure);
        if is_secure && tls.is_none() {
            return Err("no authority is trusted".into());
        }
        // IPv6 stands in brackets in an address.
        let host = to.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        if let Some(gateway) = &self.gateway {
            let is_read_there = gateway.reads(&to);
            let way = gateway.connect(self.http, to).await?;
            let line = secured(way, tls, host, self.reads).await?;
            return Ok(MeteredStream { is_read_there, ..line });
        }
        let (tcp, round_trip) = names::timed(self.http.call(to)).await;
        let tcp = tcp?.into_inner();
        let peer = Some(Peer(tcp.peer_addr()?.ip()));
        let line = secured(tcp, tls, host, self.reads).await?;
        Ok(MeteredStream { peer, handshake: Some(Handshake { round_trip, took: began.elapsed() }), ..line })
    }
}

/// A connection over `way`, encrypted where there is `tls` for it.
async fn secured(
    way: impl Duplex + Unpin + 'static,
    tls: Option<TlsConnector>,
    host: String,
    reads: Reads,
) -> Result<MeteredStream, BoxError> {
    let Some(tls) = tls else { return Ok(MeteredStream::new(Box::pin(way), reads)) };
    let secure = tls.connect(ServerName::try_from(host)?, way).await?;
    let is_http2 = secure.get_ref().1.alpn_protocol() == Some(HTTP2);
    Ok(MeteredStream { is_http2, ..MeteredStream::new(Box::pin(secure), reads) })
}

pub(super) trait Duplex: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

/// A connection, of which no more is read at a time than the process can hold.
struct MeteredStream {
    stream: Take<Pin<Box<dyn Duplex>>>,
    reader: Reader,
    /// Looks at nothing over HTTP/2, where no frame begins as a request does.
    guard: HeadGuard,
    /// Whom it leads to; `None` through a proxy, as the next one.
    peer: Option<Peer>,
    handshake: Option<Handshake>,
    is_http2: bool,
    /// Whether a proxy reads the requests, and sends its own.
    is_read_there: bool,
}

/// Whom an answer came from: an extension of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl MeteredStream {
    fn new(stream: Pin<Box<dyn Duplex>>, reads: Reads) -> Self {
        Self {
            stream: stream.take(0),
            reader: reads.open(),
            guard: HeadGuard::default(),
            peer: None,
            handshake: None,
            is_http2: false,
            is_read_there: false,
        }
    }

    fn stream(&mut self) -> Pin<&mut (dyn Duplex + 'static)> {
        self.stream.get_mut().as_mut()
    }
}

impl AsyncRead for MeteredStream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let most = self.reader.most();
        self.stream.set_limit(most);
        let before = into.filled().len();
        std::task::ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
        Poll::Ready(self.guard.received(into.filled().get(before..).unwrap_or_default()))
    }
}

impl AsyncWrite for MeteredStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        self.guard.sent(from);
        self.stream().poll_write(context, from)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.guard.sent(from.first().map(|slice| &**slice).unwrap_or_default());
        self.stream().poll_write_vectored(context, from)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.get_ref().is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }
}

impl Connection for MeteredStream {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.is_read_there);
        // Every answer on this connection tells of both.
        let connected = match self.peer.zip(self.handshake) {
            Some((peer, handshake)) => connected.extra(peer).extra(handshake),
            None => connected,
        };
        if self.is_http2 { connected.negotiated_h2() } else { connected }
    }
}
