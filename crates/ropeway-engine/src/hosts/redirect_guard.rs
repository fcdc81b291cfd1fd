//! Guard of redirects. A server that is left alone is not asked by way of another one either.

use ropeway_drivers::Gate;
use tokio::time::Instant;

use super::{HostKey, Hosts};

/// Where a try's redirects may lead.
#[derive(Debug)]
pub(crate) struct RedirectGuard {
    hosts: Hosts,
    /// Whose turn the try has: to that server it may go, if only to find out whether it is back.
    own: HostKey,
    /// Who has just asked to be left alone.
    tired: Option<HostKey>,
}

impl RedirectGuard {
    /// Guard that does not lead to the server `tired` either.
    pub(crate) fn but_not_to(self, tired: HostKey) -> Self {
        Self { tired: Some(tired), ..self }
    }
}

impl Gate for RedirectGuard {
    fn may_redirect_to(&self, host: &str) -> bool {
        let key = HostKey::new(host);
        self.tired.as_ref() != Some(&key) && (key == self.own || self.hosts.takes_all(&key))
    }
}

impl Hosts {
    /// The guard of somebody whose turn it is at `own`.
    pub(crate) fn redirect_guard(&self, own: HostKey) -> RedirectGuard {
        RedirectGuard { hosts: self.clone(), own, tired: None }
    }

    /// Whether nothing speaks against the server. One that rests, or comes back from a rest, is left to those who wait
    /// for it in turn.
    fn takes_all(&self, key: &HostKey) -> bool {
        let now = Instant::now();
        let mut state = self.shared.state.lock();
        state.hosts.get_mut(key).is_none_or(|host| host.retry_after_until(now).is_none() && host.breaker.is_closed())
    }
}
