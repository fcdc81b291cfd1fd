//! Bytes that are read from a connection at a time.
//!
//! The HTTP library doubles a connection's buffer with every read that fills it, up to 400 KiB, and makes another one
//! while the bytes of the first are written. That is what one fast connection wants and what fifty cannot have: so reads
//! are large while connections are few, and the buffers follow them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// What all open connections together may read at a time, which is what their buffers take; twice that while the bytes of
/// large reads wait to be written.
const TOGETHER: usize = 1 << 20;
/// Smaller reads cost more than the memory is worth: fifty connections at 16 KiB take a third more
/// processor time.
const LEAST: usize = 64 << 10;
/// Larger ones bring nothing, and the library has no buffer for them.
const MOST: usize = 1 << 20;

/// The share of the process. Cheap to clone, all clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Reads(Arc<AtomicUsize>);

impl Reads {
    /// One more connection.
    pub(super) fn open(self) -> Reader {
        self.0.fetch_add(1, Relaxed);
        Reader(self)
    }
}

/// An open connection's part, until it is dropped.
#[derive(Debug)]
pub(super) struct Reader(Reads);

impl Reader {
    /// Bytes it may read at a time now. That is one less than the buffer that is meant, since a read that fills a
    /// buffer has the library make the next one twice as large.
    pub(super) fn most(&self) -> u64 {
        let share = (TOGETHER / self.0.0.load(Relaxed).max(1)).clamp(LEAST, MOST);
        (1 << share.ilog2()) - 1
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_connections_are_open_the_less_each_reads_at_a_time() {
        let reads = Reads::default();
        let mut open = vec![reads.clone().open()];
        for (count, buffer) in [(1, 1 << 20), (4, 256 << 10), (16, 64 << 10), (50, 64 << 10), (1000, 64 << 10)] {
            open.resize_with(count, || reads.clone().open());
            assert_eq!(open[0].most() + 1, buffer, "{count}");
        }
        open.truncate(1);
        assert_eq!(open[0].most() + 1, 1 << 20);
    }
}
