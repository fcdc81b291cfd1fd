//! Where redirects lead: a server that is left alone is not asked by way of another one either.

use ropeway_drivers::Gate;
use tokio::time::Instant;

use super::{HostKey, Hosts};

/// One try's passage from server to server.
#[derive(Debug)]
pub(crate) struct Passage {
    hosts: Hosts,
    /// Whose turn the try has: to that server it may go, if only to find out whether it is back.
    own: HostKey,
}

impl Passage {
    pub(super) fn new(hosts: Hosts, own: HostKey) -> Self {
        Self { hosts, own }
    }
}

impl Gate for Passage {
    fn is_open(&self, host: &str) -> bool {
        host == self.own.as_str() || self.hosts.takes_all(&HostKey::new(host))
    }
}

impl Hosts {
    /// Whether nothing speaks against the server. One that rests, or comes back from a rest, is left to those who wait
    /// for it in turn.
    fn takes_all(&self, key: &HostKey) -> bool {
        let now = Instant::now();
        let mut state = self.shared.state.lock();
        state.hosts.get_mut(key).is_none_or(|host| host.held_until(now).is_none() && host.breaker.is_closed())
    }
}
