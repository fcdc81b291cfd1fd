//! Memory that streams share: the more there are, the less each has.

use std::{
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// Memory in equal shares; clones are the same memory.
#[derive(Clone, Debug)]
pub struct Shares(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    bytes: usize,
    each: RangeInclusive<usize>,
    taken: AtomicUsize,
}

/// Share of one stream, until it is dropped.
#[derive(Debug)]
pub struct Share(Arc<Shared>);

impl Shares {
    /// Divides `bytes` among all streams, within the bounds for `each`.
    pub fn new(bytes: usize, each: RangeInclusive<usize>) -> Self {
        Self(Arc::new(Shared { bytes, each, taken: AtomicUsize::new(0) }))
    }

    /// Takes a share for one more stream.
    pub fn take(&self) -> Share {
        self.0.taken.fetch_add(1, Relaxed);
        Share(Arc::clone(&self.0))
    }

    /// Streams that have a share.
    pub fn taken(&self) -> usize {
        self.0.taken.load(Relaxed)
    }
}

impl Share {
    /// Bytes of the share at the moment.
    pub fn bytes(&self) -> usize {
        let equal = self.0.bytes / self.0.taken.load(Relaxed).max(1);
        equal.clamp(*self.0.each.start(), *self.0.each.end())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_streams_take_no_more_than_all_of_it_as_far_as_the_bounds_allow() {
        for (streams, each) in [(1, 256), (50, 256), (64, 256), (100, 163), (1_000, 16), (2_000, 16)] {
            let shares = Shares::new(16 << 10, 16..=256);
            let taken: Vec<_> = (0..streams).map(|_| shares.take()).collect();
            assert_eq!(taken[0].bytes(), each, "{streams}");
            drop(taken);
            assert_eq!((shares.taken(), shares.take().bytes()), (0, 256));
        }
    }
}
