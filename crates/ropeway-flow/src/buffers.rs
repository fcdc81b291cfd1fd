//! Memory budget of bytes between network and disk, over all downloads.
//!
//! A connection's buffer grows with its speed and is never given back while the connection lives, so the bound is one
//! on connections: each holds a lease of what it needs at full speed, and returns what it turns out not to need. What
//! connections gather for large writes comes on top, out of a share that all of them have in common: the more there
//! are, the smaller their writes.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use crate::shares::{Share, Shares};

/// All buffers of the process together. Only the first connection of a job may go beyond it.
const BUDGET: usize = 20 << 20;
/// Largest buffer that the HTTP library reads into, with the next one.
const LARGEST: usize = 512 << 10;
/// Smallest lease: measured at a connection with its task and client.
/// A hundred were open then.
const SMALLEST: usize = 256 << 10;
/// Connections that may each turn out to be fast. More are opened where each is slow.
const FAST: usize = 16;
/// Bytes that all connections together may have gathered for their next writes.
const GATHERED: usize = 1 << 20;
/// Smaller writes cost more than the memory is worth.
const SMALLEST_WRITE: usize = 32 << 10;
/// Reads that tell what a connection needs.
/// The library doubles its buffer with every read that fills it.
const TRIAL: u32 = 64;

/// Budget of the process. All clones are the same.
#[derive(Clone, Debug)]
pub struct Buffers {
    leased: Arc<AtomicUsize>,
    gathered: Shares,
}

/// One connection's share of the budget, until it is dropped.
#[derive(Debug)]
pub struct Lease {
    all: Arc<AtomicUsize>,
    gathered: Share,
    bytes: usize,
    largest: usize,
    reads: u32,
}

impl Default for Buffers {
    fn default() -> Self {
        Self { leased: Arc::default(), gathered: Shares::new(GATHERED, SMALLEST_WRITE..=GATHERED) }
    }
}

impl Buffers {
    /// Memory for one more connection; `None` while there is none. With `is_needed` there always is: the only
    /// connection of a job is not to wait for others.
    pub fn lease(&self, is_needed: bool) -> Option<Lease> {
        let bytes = if self.gathered.taken() < FAST { LARGEST } else { SMALLEST };
        let more = |leased: usize| (is_needed || leased + bytes <= BUDGET).then_some(leased + bytes);
        self.leased.fetch_update(SeqCst, SeqCst, more).ok()?;
        Some(Lease { all: Arc::clone(&self.leased), gathered: self.gathered.take(), bytes, largest: 0, reads: 0 })
    }
}

impl Lease {
    /// A read has brought so many bytes.
    pub fn note(&mut self, bytes: usize) {
        self.largest = self.largest.max(bytes);
        self.reads = self.reads.saturating_add(1);
        let needed = self.largest.next_power_of_two().max(SMALLEST);
        if needed > self.bytes || (self.reads == TRIAL && needed < self.bytes) {
            self.set(needed);
        }
    }

    /// Bytes gathered for one write at most.
    /// From 1 MiB for a connection that is alone to 32 KiB where many are.
    pub fn write_size(&self) -> usize {
        self.gathered.bytes()
    }

    fn set(&mut self, bytes: usize) {
        self.all.fetch_add(bytes, SeqCst);
        self.all.fetch_sub(self.bytes, SeqCst);
        self.bytes = bytes;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_connections_are_few_and_slow_ones_many() {
        let buffers = Buffers::default();
        let mut fast: Vec<Lease> = std::iter::from_fn(|| buffers.lease(false)).collect();
        assert_eq!(fast.len(), 64, "sixteen may turn out to be fast");
        assert!(buffers.lease(false).is_none());
        for lease in &mut fast {
            (0..TRIAL).for_each(|_| lease.note(417_792));
        }
        assert!(buffers.lease(false).is_none(), "all of them need it");
        fast.truncate(24);
        assert_eq!(buffers.leased.load(SeqCst), 24 * LARGEST);
        let more: Vec<Lease> = std::iter::from_fn(|| buffers.lease(false)).collect();
        assert_eq!(more.len(), 32);
        drop((fast, more));
        assert_eq!(buffers.leased.load(SeqCst), 0);
    }

    #[test]
    fn what_a_connection_turns_out_not_to_need_is_returned_and_taken_again_when_it_does() {
        let buffers = Buffers::default();
        let mut lease = buffers.lease(false).unwrap();
        (1..TRIAL).for_each(|_| lease.note(1448));
        assert_eq!(buffers.leased.load(SeqCst), LARGEST, "it may still come to speed");
        lease.note(16_384);
        assert_eq!(buffers.leased.load(SeqCst), SMALLEST);
        lease.note(300_000);
        assert_eq!(buffers.leased.load(SeqCst), LARGEST);
    }

    #[test]
    fn the_more_connections_there_are_the_smaller_are_their_writes() {
        let buffers = Buffers::default();
        let mut leases = vec![buffers.lease(true).unwrap()];
        assert_eq!(leases[0].write_size(), 1 << 20);
        leases.extend((1..4).map(|_| buffers.lease(true).unwrap()));
        assert_eq!(leases[0].write_size(), 256 << 10);
        leases.extend((4..100).map(|_| buffers.lease(true).unwrap()));
        assert_eq!(leases[0].write_size(), 32 << 10);
        leases.truncate(1);
        assert_eq!(leases[0].write_size(), 1 << 20);
    }

    #[test]
    fn the_only_connection_of_a_job_never_waits() {
        let buffers = Buffers::default();
        let held: Vec<Lease> = std::iter::from_fn(|| buffers.lease(false)).collect();
        assert!(buffers.lease(false).is_none() && buffers.lease(true).is_some());
        drop(held);
    }
}
