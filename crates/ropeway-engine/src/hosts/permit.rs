//! The right to one connection, and the marks of a job that waits for one and of one that is being served.

use tokio::sync::OwnedSemaphorePermit;

use super::{HostKey, Hosts};

/// The right to one connection to a server, for as long as the value lives.
#[derive(Debug)]
pub(crate) struct Permit {
    hosts: Hosts,
    key: HostKey,
    /// Always there before the drop.
    slot: Option<OwnedSemaphorePermit>,
}

/// The server serves a job, for as long as the value lives. While it does, it is not taken for ill.
#[derive(Debug)]
pub(crate) struct Serving {
    hosts: Hosts,
    key: HostKey,
}

/// A job waits for its first connection, for as long as the value lives.
#[derive(Debug)]
pub(super) struct Waiting {
    hosts: Hosts,
    key: HostKey,
}

impl Waiting {
    pub(super) fn new(hosts: Hosts, key: HostKey) -> Self {
        hosts.awaited(&key);
        Self { hosts, key }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.hosts.awaited_no_more(&self.key);
    }
}

impl Permit {
    pub(super) fn new(hosts: Hosts, key: HostKey, slot: OwnedSemaphorePermit) -> Self {
        Self { hosts, key, slot: Some(slot) }
    }

    /// Whose it is.
    pub(crate) fn key(&self) -> &HostKey {
        &self.key
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let is_kept = self.hosts.closed(&self.key);
        match self.slot.take() {
            Some(slot) if !is_kept => slot.forget(),
            slot => drop(slot),
        }
        self.hosts.freed();
    }
}

impl Serving {
    pub(super) fn new(hosts: Hosts, key: HostKey) -> Self {
        Self { hosts, key }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.hosts.served(&self.key);
    }
}
