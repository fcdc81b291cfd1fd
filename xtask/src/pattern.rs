//! Bytes to move, the same every time.

use std::{fs, io::Write, path::Path};

use anyhow::Result;

const BLOCK: u64 = 1 << 20;

/// Writes bytes that differ in every block and do not compress, so that a misplaced or missing block shows. Another
/// seed makes other bytes.
pub(crate) fn write(file: &Path, bytes: u64, seed: u64) -> Result<()> {
    let mut block = vec![0_u8; usize::try_from(BLOCK)?];
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for word in block.chunks_exact_mut(8) {
        // Marsaglia's xorshift: enough for noise, and the same files every time.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        word.copy_from_slice(&state.to_le_bytes());
    }
    let mut out = fs::File::create(file)?;
    let mut offset = 0;
    while offset < bytes {
        block[..8].copy_from_slice(&offset.to_le_bytes());
        let count = (bytes - offset).min(BLOCK);
        out.write_all(&block[..usize::try_from(count)?])?;
        offset += count;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_length_and_no_two_equal_blocks() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.bin");
        write(&file, 2 * BLOCK + 5, 0).unwrap();
        let bytes = fs::read(&file).unwrap();
        let block = usize::try_from(BLOCK).unwrap();
        assert_eq!(bytes.len(), 2 * block + 5);
        assert_ne!(bytes[..block], bytes[block..2 * block]);
        write(&file, 2 * BLOCK + 5, 1).unwrap();
        assert_ne!(bytes[..block], fs::read(&file).unwrap()[..block], "another seed");
    }
}
