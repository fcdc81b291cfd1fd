//! Hosts with addresses of both families (RFC 8305). `localhost` is one: `[::1]`, then 127.0.0.1.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use ropeway_drivers::DriverError;
use ropeway_testkit::{Peer, free_port, peer::ServedFile};

use crate::ground::{Download, read};

/// An address that swallows attempts to connect: its queue is full, and the system drops what comes.
struct BlackHole {
    _listener: TcpListener,
    _queued: Vec<TcpStream>,
}

impl BlackHole {
    fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let mut queued = Vec::new();
        // A queue of length 0 holds one connection; the first that gets no answer shows that it is full.
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            queued.push(stream);
            assert!(queued.len() < 64, "the queue never fills");
        }
        Self { _listener: listener, _queued: queued }
    }
}

#[tokio::test]
async fn an_address_that_swallows_everything_holds_a_healthy_one_up_for_a_moment_only() {
    let peer = Peer::serve(ServedFile::new(1, 1_000)).await;
    let _hole = BlackHole::at((Ipv6Addr::LOCALHOST, peer.port()).into());
    let address = format!("http://localhost:{}/f", peer.port());
    // Far below the connect timeout of 30 s, which a single family would take.
    let probe = tokio::time::timeout(Duration::from_secs(3), Download::of(&address).probe()).await;
    let (bytes, error) = read(probe.expect("starts within 3 s").unwrap().body).await;
    assert!(error.is_none() && bytes.len() == 1_000);
}

#[tokio::test]
async fn a_host_whose_addresses_all_swallow_everything_is_given_up_within_thirty_seconds() {
    let port = free_port();
    let first = BlackHole::at((Ipv6Addr::LOCALHOST, port).into());
    let second = BlackHole::at((Ipv4Addr::LOCALHOST, port).into());
    // Only the driver's patience is left to run out: it is for all addresses together, not for each.
    tokio::time::pause();
    for scheme in ["http", "https"] {
        let start = tokio::time::Instant::now();
        let error = Download::of(&format!("{scheme}://localhost:{port}/f")).probe_error().await;
        assert!(matches!(error, DriverError::ConnectTimeout { waited_s: 30, .. }), "{error}");
        assert!(start.elapsed() <= Duration::from_secs(31), "{:?}", start.elapsed());
    }
    drop((first, second));
}

#[tokio::test]
async fn a_host_whose_addresses_all_refuse_says_so_at_once() {
    let address = format!("http://localhost:{}/f", free_port());
    let error = Download::of(&address).probe_error().await;
    assert!(matches!(error, DriverError::ConnectionRefused { .. }), "{error}");
}
