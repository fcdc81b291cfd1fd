//! Loopback ports.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

/// Longest wait for a server that was just started; a busy machine needs some.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pause between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(10);

/// A loopback port nobody listens on, chosen by the operating system.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Returns once something listens on the loopback `port`; fails the test after 20 s.
pub fn wait_for_port(port: u16) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let give_up = Instant::now() + PATIENCE;
    while TcpStream::connect_timeout(&address, PATIENCE).is_err() {
        assert!(Instant::now() < give_up, "nothing listens on {address} after {} s", PATIENCE.as_secs());
        thread::sleep(PAUSE);
    }
}
