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
    /// Who has just asked to be left alone.
    tired: Option<HostKey>,
}

impl Passage {
    /// The same, and not to the server `tired` either.
    pub(crate) fn but_not_to(self, tired: HostKey) -> Self {
        Self { tired: Some(tired), ..self }
    }
}

impl Gate for Passage {
    fn is_open(&self, host: &str) -> bool {
        let key = HostKey::new(host);
        self.tired.as_ref() != Some(&key) && (key == self.own || self.hosts.takes_all(&key))
    }
}

impl Hosts {
    /// The passage of somebody whose turn it is at `own`.
    pub(crate) fn passage(&self, own: HostKey) -> Passage {
        Passage { hosts: self.clone(), own, tired: None }
    }

    /// Whether nothing speaks against the server. One that rests, or comes back from a rest, is left to those who wait
    /// for it in turn.
    fn takes_all(&self, key: &HostKey) -> bool {
        let now = Instant::now();
        let mut state = self.shared.state.lock();
        state.hosts.get_mut(key).is_none_or(|host| host.held_until(now).is_none() && host.breaker.is_closed())
    }
}
