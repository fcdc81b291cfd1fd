//! Digests of a source, taken while it is sent part by part.

use std::sync::Arc;

use parking_lot::Mutex;
use ropeway_flow::digest::Hashers;
use ropeway_model::{Algorithm, Digest};

/// Running digests of the source. What is sent once more is hashed once; where a stretch is missing, such as the part
/// that an earlier try sent, there are none.
#[derive(Clone, Debug)]
pub(super) struct SentDigests(Arc<Mutex<Running>>);

#[derive(Debug)]
struct Running {
    hashers: Hashers,
    /// Bytes that were hashed.
    at: u64,
}

impl SentDigests {
    /// Digests in these algorithms, from the first byte.
    pub(super) fn new(algorithms: &[Algorithm]) -> Self {
        Self(Arc::new(Mutex::new(Running { hashers: Hashers::new(algorithms), at: 0 })))
    }

    /// Takes a block of the source.
    pub(super) fn update(&self, offset: u64, block: &[u8]) {
        let mut running = self.0.lock();
        let known = running.at.checked_sub(offset).and_then(|known| usize::try_from(known).ok());
        if let Some(fresh) = known.and_then(|known| block.get(known..)) {
            running.hashers.update(fresh);
            running.at += fresh.len() as u64;
        }
    }

    /// Digests of a source of `length` bytes, if all was taken.
    pub(super) fn take(&self, length: u64) -> Vec<Digest> {
        let mut running = self.0.lock();
        if running.at == length { std::mem::take(&mut running.hashers).finish() } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_again_is_hashed_once_and_what_is_missing_leaves_no_digest() {
        let whole = {
            let digests = SentDigests::new(&[Algorithm::Sha256]);
            digests.update(0, b"abcdef");
            digests.take(6)
        };
        assert_eq!(whole.len(), 1);
        for (blocks, is_whole) in [
            (&[(0, &b"abc"[..]), (3, b"def")][..], true),
            (&[(0, b"abcd"), (2, b"cdef")], true),
            (&[(0, b"abcdef"), (0, b"abc")], true),
            (&[(0, b"abc"), (4, b"ef")], false),
            (&[(3, b"def")], false),
            (&[(0, b"abc")], false),
        ] {
            let digests = SentDigests::new(&[Algorithm::Sha256]);
            for (offset, block) in blocks {
                digests.update(*offset, block);
            }
            assert_eq!(digests.take(6), if is_whole { whole.clone() } else { Vec::new() }, "{blocks:?}");
        }
    }
}
