//! The bytes of remote files: slices of one pool, so that no run makes bytes and no answer copies any.

use std::sync::OnceLock;

use crate::random::Random;

/// Bytes in the pool: the largest file, and room for other beginnings.
const POOL: usize = 24 << 20;
/// The largest file of a run.
pub(crate) const LARGEST: u64 = 10 << 20;

fn pool() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let mut random = Random::new(0);
        (0..POOL / 8).flat_map(|_| random.next().to_le_bytes()).collect()
    })
}

/// The bytes of version `version` of file `file`; no two of them agree anywhere but by chance.
pub(crate) fn bytes(file: u64, version: u64, length: u64) -> &'static [u8] {
    /// Beginnings lie this far apart: no multiple of anything that offsets are.
    const STEP: u64 = 1_000_003;
    let offset = ((file * 5 + version + 1) * STEP) % (POOL as u64 - LARGEST);
    let slice = usize::try_from(offset).ok().zip(usize::try_from(length).ok());
    slice.and_then(|(offset, length)| pool().get(offset..offset + length)).expect("a file fits into the pool")
}
