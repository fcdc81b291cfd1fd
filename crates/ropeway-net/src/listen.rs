//! The accept loop: admits connections, limits them, and ends them in good order.

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::body::Body;
use http::{Request, Response};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{paced_stream::PacedStream, places::Places, visit::Visit};

/// Connections at once, where the process may have enough files open: as many as buffers cost 128 MiB.
const MOST_CONNECTIONS: usize = 1_000;
/// Files a connection needs while it uploads: the socket, the folder, the file, one for a moment, and the socket of one
/// that waits for its place.
const FILES_A_CONNECTION: usize = 5;
/// Files the rest of the process needs.
const FILES_ELSEWHERE: usize = 64;
/// Time for a request's head, and for an idle connection to send its next one: slow-loris costs no more than this.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// A request's head; nginx refuses earlier.
const MOST_HEAD_BYTES: usize = 32 * 1024;
/// Fields in a request's head.
const MOST_HEAD_FIELDS: usize = 100;
/// Read buffer of a connection: as much as one system call moves, small enough to have a thousand of them.
const BUFFER_BYTES: usize = 128 * 1024;
/// Connections that wait in the kernel to be accepted.
const BACKLOG: u32 = 1_024;
/// Time that running requests have to finish once the server stops.
const GRACE: Duration = Duration::from_secs(10);
/// How long a connection waits for a place.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// What is said to a connection that there is no place for.
const NO_PLACE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
/// Pause after the process ran out of file descriptors, so that the loop does not spin until one is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Listens on `address`.
///
/// `receive_buffer` bounds what the kernel takes from a client ahead of us: without it a limited upload would arrive
/// in megabytes that no throttle has seen.
pub fn bind(address: SocketAddr, receive_buffer: Option<u32>) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    if let Some(bytes) = receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Answers connections until `shutdown` resolves, then lets running requests finish for [`GRACE`] and cuts the rest.
/// When this returns, no connection is left.
pub async fn run<F, S>(listener: TcpListener, service_for: F, shutdown: impl Future<Output = ()>)
where
    F: Fn(Arc<Visit>) -> S,
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Send + 'static,
    S::Future: Send,
{
    let places = Places::new(places(open_files_allowed()));
    let stopping = CancellationToken::new();
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, peer) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener) => accepted,
        };
        let visit = Visit::new(peer);
        let service = service_for(Arc::clone(&visit));
        let (places, stopping) = (places.clone(), stopping.clone());
        connections.spawn(async move {
            let place = tokio::select! {
                () = stopping.cancelled() => return,
                place = timeout(LONGEST_WAIT, places.take(&visit)) => place.ok().flatten(),
            };
            match place {
                Some(_place) => attend(stream, &visit, service, &stopping).await,
                // As much as the kernel takes at once; nobody waits for who there is no place for.
                None => drop(stream.try_write(NO_PLACE)),
            }
        });
    }
    drop(listener);
    stopping.cancel();
    let finished = async { while connections.join_next().await.is_some() {} };
    if timeout(GRACE, finished).await.is_err() {
        tracing::warn!(connections = connections.len(), "cutting requests that did not finish in time");
    }
    connections.shutdown().await;
}

/// Answers the requests of one connection until it ends, has to make way, or the server stops.
async fn attend<S>(stream: TcpStream, visit: &Arc<Visit>, service: S, stopping: &CancellationToken)
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Send + 'static,
    S::Future: Send,
{
    let peer = visit.peer();
    let guest = Arc::clone(visit);
    let counted = service_fn(move |request| {
        let busy = guest.begin();
        let answered = service.call(request);
        async move { answered.await.map(|response| response.map(|body| busy.until_sent(body))) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_header_size(MOST_HEAD_BYTES)
        .max_headers(MOST_HEAD_FIELDS)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(PacedStream::new(stream, Arc::clone(visit))), counted)
        .with_upgrades();
    let mut connection = pin!(connection);
    let outcome = tokio::select! {
        outcome = &mut connection => outcome,
        () = visit.left() => return,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%peer, %error, "connection ended early");
    }
}

/// How many connections a process serves that may have `open_files`: fewer rather than failing in the middle of one.
fn places(open_files: Option<u64>) -> usize {
    let files = open_files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
    (files.saturating_sub(FILES_ELSEWHERE) / FILES_A_CONNECTION).clamp(1, MOST_CONNECTIONS)
}

/// Files this process may have open; `None` for any number.
fn open_files_allowed() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// The next connection.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Responses are written whole; waiting to fill a packet only delays their last bytes.
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            Err(error) => {
                tracing::debug!(%error, "connection not accepted");
                if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_few_files_serves_few_connections() {
        for (files, expected) in
            [(Some(0), 1), (Some(256), 38), (Some(1_024), 192), (Some(1 << 20), 1_000), (None, 1_000)]
        {
            assert_eq!(places(files), expected, "{files:?}");
        }
    }
}
