//! How many workers may be at a download: set by the crew, followed by each worker at the end of its segment; and whose
//! connection each of them has.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use ropeway_flow::buffers::Lease;
use ropeway_model::SafeUrl;

use crate::{
    hosts::{HostKey, Hosts, Permit},
    progress::Connected,
};

/// The slots of one download.
#[derive(Debug, Default)]
pub(super) struct WorkerSlots {
    allowed: AtomicUsize,
    taken: AtomicUsize,
}

/// Connection of a worker, with all it holds for that.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) slot: WorkerSlot,
    /// Its share of the memory.
    pub(super) lease: Lease,
    /// Its slot among all connections to a server.
    pub(super) host_slot: HostSlot,
    /// Counts as one of the job's from its first answer on, also while it waits for a limit between two portions.
    pub(super) connected: Option<Connected>,
}

/// A worker's slot among all connections to one server.
#[derive(Debug)]
pub(super) struct HostSlot {
    server: HostKey,
    /// A job's only worker needs none beside the job's own.
    permit: Option<Permit>,
}

/// A worker's slot, until it is dropped.
#[derive(Debug)]
pub(super) struct WorkerSlot {
    slots: Arc<WorkerSlots>,
    is_left: bool,
}

impl HostSlot {
    /// A slot at `server`, which the job has where there is no `permit`.
    pub(super) const fn new(server: HostKey, permit: Option<Permit>) -> Self {
        Self { server, permit }
    }

    /// The server it is at.
    pub(super) const fn server(&self) -> &HostKey {
        &self.server
    }

    /// Whether the next request may go to `url`: to the server it is at, or to one that has a free slot, which is taken
    /// in its stead.
    pub(super) fn moves_to(&mut self, servers: &Hosts, url: &SafeUrl) -> bool {
        let server = HostKey::of(url);
        if server == self.server {
            return true;
        }
        let Some(permit) = servers.try_permit(&server) else { return false };
        *self = Self::new(server, Some(permit));
        true
    }

    /// Waits for a slot at the server of `url`, with none in the meantime: whoever waits for one server must not keep
    /// others from another.
    pub(super) async fn wait_for(&mut self, servers: &Hosts, url: &SafeUrl) {
        let server = HostKey::of(url);
        drop(self.permit.take());
        *self = Self::new(server.clone(), Some(servers.permit(&server).await));
    }
}

impl WorkerSlots {
    pub(super) fn allow(&self, count: usize) {
        self.allowed.store(count, SeqCst);
    }

    pub(super) fn allowed(&self) -> usize {
        self.allowed.load(SeqCst)
    }

    /// Workers that are here, of as many as are allowed. Where a server grants fewer connections, those are all there
    /// are.
    pub(super) fn working(&self) -> usize {
        self.taken.load(SeqCst).min(self.allowed())
    }

    /// Takes a slot, without asking whether it is allowed: the crew counts.
    pub(super) fn take(self: &Arc<Self>) -> WorkerSlot {
        self.taken.fetch_add(1, SeqCst);
        WorkerSlot { slots: Arc::clone(self), is_left: false }
    }
}

impl WorkerSlot {
    /// Gives the slot up if there are more workers than allowed. `true` where it did. Of several workers that ask at once,
    /// only as many leave as are too many.
    pub(super) fn leave_if_crowded(&mut self) -> bool {
        let allowed = self.slots.allowed();
        let fewer = |taken: usize| (taken > allowed).then(|| taken - 1);
        self.is_left = self.slots.taken.fetch_update(SeqCst, SeqCst, fewer).is_ok();
        self.is_left
    }
}

impl Drop for WorkerSlot {
    fn drop(&mut self) {
        if !self.is_left {
            self.slots.taken.fetch_sub(1, SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_as_many_workers_leave_as_are_too_many() {
        let slots = Arc::new(WorkerSlots::default());
        slots.allow(2);
        let mut held: Vec<WorkerSlot> = (0..4).map(|_| slots.take()).collect();
        let left: Vec<bool> = held.iter_mut().map(WorkerSlot::leave_if_crowded).collect();
        assert_eq!(left, [true, true, false, false]);
        assert_eq!(slots.working(), 2);
        slots.allow(9);
        assert_eq!(slots.working(), 2, "the server grants no more");
        drop(held);
        assert_eq!(slots.taken.load(SeqCst), 0);
    }
}
