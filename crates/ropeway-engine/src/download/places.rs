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

/// The places of one download.
#[derive(Debug, Default)]
pub(super) struct Places {
    allowed: AtomicUsize,
    taken: AtomicUsize,
}

/// What a worker holds for its connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) place: Place,
    /// Its share of the memory.
    pub(super) lease: Lease,
    /// Its place among all connections to a server.
    pub(super) seat: Seat,
    /// Counts as one of the job's from its first answer on, also while it waits for a limit between two portions.
    pub(super) connected: Option<Connected>,
}

/// A worker's place among all connections to one server.
#[derive(Debug)]
pub(super) struct Seat {
    server: HostKey,
    /// A job's only worker needs none beside the job's own.
    permit: Option<Permit>,
}

/// A worker's place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    is_left: bool,
}

impl Seat {
    /// A place at `server`, which the job has where there is no `permit`.
    pub(super) const fn new(server: HostKey, permit: Option<Permit>) -> Self {
        Self { server, permit }
    }

    /// The server it is at.
    pub(super) const fn server(&self) -> &HostKey {
        &self.server
    }

    /// Whether the next request may go to `url`: to the server it is at, or to one that has a free place, which is taken
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

    /// Waits for a place at the server of `url`, with none in the meantime: whoever waits for one server must not keep
    /// others from another.
    pub(super) async fn wait_for(&mut self, servers: &Hosts, url: &SafeUrl) {
        let server = HostKey::of(url);
        drop(self.permit.take());
        *self = Self::new(server.clone(), Some(servers.permit(&server).await));
    }
}

impl Places {
    pub(super) fn allow(&self, count: usize) {
        self.allowed.store(count, SeqCst);
    }

    pub(super) fn allowed(&self) -> usize {
        self.allowed.load(SeqCst)
    }

    /// Workers that are here, of as many as are allowed: where a server grants fewer connections, those are all there are.
    pub(super) fn working(&self) -> usize {
        self.taken.load(SeqCst).min(self.allowed())
    }

    /// Takes a place, without asking whether it is allowed: the crew counts.
    pub(super) fn take(self: &Arc<Self>) -> Place {
        self.taken.fetch_add(1, SeqCst);
        Place { places: Arc::clone(self), is_left: false }
    }
}

impl Place {
    /// Gives the place up if there are more workers than allowed; whether it did. Of several workers that ask at once,
    /// only as many leave as are too many.
    pub(super) fn leave_if_crowded(&mut self) -> bool {
        let allowed = self.places.allowed();
        let fewer = |taken: usize| (taken > allowed).then(|| taken - 1);
        self.is_left = self.places.taken.fetch_update(SeqCst, SeqCst, fewer).is_ok();
        self.is_left
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_left {
            self.places.taken.fetch_sub(1, SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_as_many_workers_leave_as_are_too_many() {
        let places = Arc::new(Places::default());
        places.allow(2);
        let mut held: Vec<Place> = (0..4).map(|_| places.take()).collect();
        let left: Vec<bool> = held.iter_mut().map(Place::leave_if_crowded).collect();
        assert_eq!(left, [true, true, false, false]);
        assert_eq!(places.working(), 2);
        places.allow(9);
        assert_eq!(places.working(), 2, "the server grants no more");
        drop(held);
        assert_eq!(places.taken.load(SeqCst), 0);
    }
}
