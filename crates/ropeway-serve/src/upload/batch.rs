//! How much of each upload is gathered before it is written: the less, the more there are.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// What all uploads together gather. Each has as much again under way to the disk.
const ALL_BYTES: usize = 16 * 1024 * 1024;
/// What one upload gathers at most: large enough that system calls cost nothing against copying.
const MOST_BYTES: usize = 256 * 1024;
/// And at least.
const LEAST_BYTES: usize = 16 * 1024;

/// The uploads that share the memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batches(Arc<AtomicUsize>);

/// One upload's part of it.
#[derive(Debug)]
pub(super) struct Batch(Batches);

impl Batches {
    /// One more upload, until what is returned is dropped.
    pub(super) fn enter(&self) -> Batch {
        self.0.fetch_add(1, Ordering::Relaxed);
        Batch(self.clone())
    }
}

impl Batch {
    /// How many bytes to gather now.
    pub(super) fn bytes(&self) -> usize {
        let uploads = self.0.0.load(Ordering::Relaxed).max(1);
        (ALL_BYTES / uploads).clamp(LEAST_BYTES, MOST_BYTES)
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_uploads_gather_little_more_than_a_hundred() {
        for (uploads, most) in [(1, MOST_BYTES), (50, ALL_BYTES), (100, ALL_BYTES), (1_000, ALL_BYTES)] {
            let batches = Batches::default();
            let entered: Vec<_> = (0..uploads).map(|_| batches.enter()).collect();
            let all: usize = entered.iter().map(Batch::bytes).sum();
            assert!(all <= most, "{uploads}: {all}");
            drop(entered);
            assert_eq!(batches.enter().bytes(), MOST_BYTES);
        }
    }
}
