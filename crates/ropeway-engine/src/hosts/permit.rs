//! The right to one connection.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use tokio::sync::OwnedSemaphorePermit;

use super::{HostKey, Hosts, outcome::Outcome};

/// The right to one connection to a server, for as long as the value lives.
#[derive(Debug)]
pub(crate) struct Permit {
    hosts: Hosts,
    key: HostKey,
    /// Always there before the drop.
    slot: Option<OwnedSemaphorePermit>,
    /// Whether the connection was answered.
    is_well: AtomicBool,
}

impl Permit {
    pub(super) fn new(hosts: Hosts, key: HostKey, slot: OwnedSemaphorePermit) -> Self {
        Self { hosts, key, slot: Some(slot), is_well: AtomicBool::new(false) }
    }

    /// Tells what happened on this connection.
    pub(crate) fn report(&self, outcome: Outcome) {
        let is_well = matches!(outcome, Outcome::Answered { .. } | Outcome::Moved { .. });
        let was_well = self.is_well.swap(is_well, SeqCst);
        self.hosts.noted(&self.key, was_well, is_well);
        self.hosts.report(&self.key, outcome);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let is_kept = self.hosts.closed(&self.key, self.is_well.load(SeqCst));
        match self.slot.take() {
            Some(slot) if !is_kept => slot.forget(),
            slot => drop(slot),
        }
    }
}
