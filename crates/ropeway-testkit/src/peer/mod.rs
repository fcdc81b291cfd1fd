//! A scriptable server on plain sockets, so that it can lie, cut and stall where a real one would not: HTTP/1.1 and, on
//! wish, HTTP/2.
//!
//! Every request goes to a closure that makes the [`Answer`]; [`ServedFile`] answers honestly, and the answer's
//! methods bend it from there. Every request is recorded, with what was received and sent.

mod answer;
mod frames;
mod receive;
mod request;
mod send;
mod served;
mod stream;
mod tls;
mod tus;

use std::{
    net::Ipv4Addr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

pub use answer::{Answer, Cut, Framing, Intake};
pub use frames::frame;
pub use receive::ReceivedFile;
pub use request::Request;
pub use served::ServedFile;
pub use tls::Authority;
pub use tus::{TusFault, TusOffer, TusServer, TusUpload};

type Script = dyn Fn(&Request) -> Answer + Send + Sync;

/// What is spoken beside HTTP/1.1, where the client wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Second {
    /// Nothing.
    None,
    /// HTTP/2, with at most so many requests at once on a connection.
    Streams(u32),
    /// The same, and no HTTP/1.1: a handshake that does not offer HTTP/2 is refused.
    Only(u32),
    /// Frames of HTTP/2 that nobody has looked at.
    Frames,
}

impl Second {
    /// The protocols of a handshake, the dearest first.
    fn protocols(self) -> Vec<Vec<u8>> {
        let (first, second) = (b"http/1.1".to_vec(), stream::ALPN.to_vec());
        match self {
            Self::None => Vec::new(),
            Self::Streams(_) | Self::Frames => vec![second, first],
            Self::Only(_) => vec![second],
        }
    }
}

/// A running server on a loopback port; its connections break when it is dropped.
#[derive(Debug)]
pub struct Peer {
    port: u16,
    authority: Option<Authority>,
    records: Arc<Mutex<Vec<Request>>>,
    connections: Arc<Mutex<usize>>,
    listening: JoinHandle<()>,
}

impl Peer {
    /// Starts a server that answers as `script` says.
    pub async fn start(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::listen(None, Second::None, Arc::new(script)).await
    }

    /// Starts a server behind TLS with a certificate for `host` of an authority of its own.
    pub async fn start_tls(host: &str, script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_with(Authority::new(host), script).await
    }

    /// Starts a server behind TLS with the certificate of `authority`.
    pub async fn start_with(authority: Authority, script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::listen(Some(authority), Second::None, Arc::new(script)).await
    }

    /// Starts a server behind TLS that speaks HTTP/2 as well, with at most `streams` requests at once on a connection.
    pub async fn start_h2(
        host: &str,
        streams: u32,
        script: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Some(Authority::new(host)), Second::Streams(streams), Arc::new(script)).await
    }

    /// Starts a server behind TLS that speaks HTTP/2 and refuses every handshake that does not offer it.
    pub async fn start_h2_only(
        host: &str,
        streams: u32,
        script: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Some(Authority::new(host)), Second::Only(streams), Arc::new(script)).await
    }

    /// Starts a server behind TLS that takes HTTP/2 and breaks its rules: the first request of such a connection is
    /// shown to `script` without path and fields, and the octets of its [`Answer::raw`] or [`Answer::flood`] are sent as
    /// they are.
    pub async fn start_frames(
        authority: Authority,
        script: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Some(authority), Second::Frames, Arc::new(script)).await
    }

    /// Starts a server that answers every request with `file`, honestly.
    pub async fn serve(file: ServedFile) -> Self {
        Self::start(move |request| file.answer(request)).await
    }

    async fn listen(authority: Option<Authority>, second: Second, script: Arc<Script>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (records, connections) = (Arc::default(), Arc::default());
        let desk = Desk {
            script,
            records: Arc::clone(&records),
            connections: Arc::clone(&connections),
            sending: Arc::default(),
        };
        let acceptor = authority.as_ref().map(|authority| authority.acceptor(second.protocols()));
        let listening = tokio::spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (desk, acceptor) = (desk.clone(), acceptor.clone());
                open.spawn(async move {
                    stream.set_nodelay(true).unwrap();
                    match acceptor {
                        None => desk.converse(stream).await,
                        Some(acceptor) => {
                            let Ok(stream) = acceptor.accept(stream).await else { return };
                            let is_second = stream.get_ref().1.alpn_protocol() == Some(stream::ALPN);
                            match second {
                                Second::Streams(most) | Second::Only(most) if is_second => {
                                    stream::converse(&desk, stream, most).await;
                                }
                                Second::Frames if is_second => frames::converse(&desk, stream).await,
                                _ => desk.converse(stream).await,
                            }
                        }
                    }
                });
                while open.try_join_next().is_some() {}
            }
        });
        Self { port, authority, records, connections, listening }
    }

    /// The address of `path` (without a leading slash) on this server.
    pub fn url(&self, path: &str) -> String {
        match &self.authority {
            None => format!("http://127.0.0.1:{}/{path}", self.port),
            Some(authority) => format!("https://{}:{}/{path}", authority.host(), self.port),
        }
    }

    /// The port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The PEM file with the authority behind this server's certificate; only after [`Peer::start_tls`].
    pub fn ca_file(&self) -> PathBuf {
        self.authority.as_ref().expect("a peer without TLS has no authority").file()
    }

    /// Every request so far, in the order in which their heads arrived.
    pub fn requests(&self) -> Vec<Request> {
        self.records.lock().clone()
    }

    /// Connections accepted so far that spoke; those in HTTP/2 all.
    pub fn connections(&self) -> usize {
        *self.connections.lock()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// What every connection needs.
#[derive(Clone)]
struct Desk {
    script: Arc<Script>,
    records: Arc<Mutex<Vec<Request>>>,
    connections: Arc<Mutex<usize>>,
    /// Answers that are being sent.
    sending: Arc<AtomicUsize>,
}

/// An answer that is being sent, until it is dropped.
struct Sending(Arc<AtomicUsize>);

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Desk {
    /// The number of a new connection.
    fn count(&self) -> usize {
        let mut connections = self.connections.lock();
        *connections += 1;
        *connections
    }

    /// One more answer is being sent; how many are beside it.
    fn begin(&self) -> usize {
        self.sending.fetch_add(1, SeqCst)
    }

    /// Answers the requests of one connection until either side ends it.
    async fn converse<S: Line>(&self, stream: S) {
        let mut stream = BufStream::new(stream);
        let (mut connection, mut place) = (0, 0);
        while let Some(mut request) = request::read(&mut stream).await {
            if place == 0 {
                connection = self.count();
            }
            request.beside = self.begin();
            let _sending = Sending(Arc::clone(&self.sending));
            place += 1;
            (request.connection, request.place) = (connection, place);
            let record = Record::new(&self.records, &mut request);
            let answer = (self.script)(&request);
            if !receive::intake(&mut stream, &request, &answer, &record).await
                || !send::answer(&mut stream, &request, answer, &record).await
            {
                return;
            }
        }
    }
}

/// The place of one request among all.
struct Record {
    all: Arc<Mutex<Vec<Request>>>,
    place: usize,
}

impl Record {
    fn new(all: &Arc<Mutex<Vec<Request>>>, request: &mut Request) -> Self {
        let mut records = all.lock();
        request.number = records.len() + 1;
        records.push(request.clone());
        Self { all: Arc::clone(all), place: records.len() - 1 }
    }

    fn change(&self, change: impl FnOnce(&mut Request)) {
        change(&mut self.all.lock()[self.place]);
    }
}

/// A connection that can be reset.
trait Line: AsyncRead + AsyncWrite + Unpin + Send {
    /// Makes the close that follows a reset instead of an orderly end.
    fn reset_on_close(&self);

    /// Ends the sending side of the TCP connection.
    fn end(&mut self) -> impl Future<Output = ()> + Send;
}

impl Line for TcpStream {
    fn reset_on_close(&self) {
        self.set_zero_linger().unwrap();
    }

    async fn end(&mut self) {
        // The client may be gone already.
        let _ = self.shutdown().await;
    }
}

impl Line for tokio_rustls::server::TlsStream<TcpStream> {
    fn reset_on_close(&self) {
        self.get_ref().0.set_zero_linger().unwrap();
    }

    async fn end(&mut self) {
        self.get_mut().0.end().await;
    }
}

#[cfg(test)]
mod tests;
