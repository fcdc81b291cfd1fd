//! Bytes that know their place: what was written at the wrong offset shows.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use bytes::Bytes;
use sha2::{Digest, Sha256};

/// Bytes made or compared at once.
const STEP: usize = 64 * 1024;

/// An endless file of bytes that depend on a seed and on their offset, and on nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    seed: u64,
}

impl Pattern {
    /// The pattern of `seed`.
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The byte at `offset`.
    pub const fn byte_at(self, offset: u64) -> u8 {
        self.word(offset / 8).to_le_bytes()[(offset % 8) as usize]
    }

    /// Writes the bytes from `offset` on into `buffer`.
    pub fn fill(self, offset: u64, buffer: &mut [u8]) {
        let head = usize::try_from((8 - offset % 8) % 8).unwrap().min(buffer.len());
        for (byte, at) in buffer[..head].iter_mut().zip(offset..) {
            *byte = self.byte_at(at);
        }
        for (eight, number) in buffer[head..].chunks_mut(8).zip(offset.div_ceil(8)..) {
            eight.copy_from_slice(&self.word(number).to_le_bytes()[..eight.len()]);
        }
    }

    /// The bytes `[start, end)`.
    pub fn bytes(self, start: u64, end: u64) -> Bytes {
        let mut buffer = vec![0; usize::try_from(end - start).unwrap()];
        self.fill(start, &mut buffer);
        buffer.into()
    }

    /// The first byte of `file` that is not the pattern's, or its length where that is not `length`.
    pub fn first_difference(self, file: &Path, length: u64) -> Option<u64> {
        let mut reader = BufReader::with_capacity(STEP, File::open(file).unwrap());
        let (mut had, mut expected, mut offset) = (vec![0; STEP], vec![0; STEP], 0_u64);
        loop {
            let count = reader.read(&mut had).unwrap();
            if count == 0 {
                return (offset != length).then_some(offset);
            }
            self.fill(offset, &mut expected[..count]);
            if let Some(at) = (0..count).find(|at| had[*at] != expected[*at]) {
                return Some(offset + at as u64);
            }
            offset += count as u64;
        }
    }

    /// Fails the test unless `file` holds the pattern's first `length` bytes and nothing else.
    pub fn assert_file(self, file: &Path, length: u64) {
        let difference = self.first_difference(file, length);
        assert_eq!(difference, None, "{} differs from the pattern at this offset", file.display());
    }

    /// Writes the pattern's first `length` bytes to `file`.
    pub fn write_file(self, file: &Path, length: u64) {
        use std::io::Write;
        let mut target = File::options().write(true).create(true).truncate(true).open(file).unwrap();
        let mut buffer = vec![0; STEP];
        let mut offset = 0;
        while offset < length {
            let count = usize::try_from(length - offset).map_or(STEP, |rest| rest.min(STEP));
            self.fill(offset, &mut buffer[..count]);
            target.write_all(&buffer[..count]).unwrap();
            offset += count as u64;
        }
    }

    /// SHA-256 of the bytes `[start, end)`.
    pub fn sha256_of(self, start: u64, end: u64) -> Vec<u8> {
        Sha256::digest(self.bytes(start, end)).to_vec()
    }

    /// SHA-256 of the pattern's first `length` bytes, in lower-case hexadecimal.
    pub fn sha256(self, length: u64) -> String {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; STEP];
        let mut offset = 0;
        while offset < length {
            let count = usize::try_from(length - offset).map_or(STEP, |rest| rest.min(STEP));
            self.fill(offset, &mut buffer[..count]);
            hasher.update(&buffer[..count]);
            offset += count as u64;
        }
        hex(&hasher.finalize())
    }

    /// Eight bytes at once: the mixing function of splitmix64 over the seed and the word's number.
    const fn word(self, number: u64) -> u64 {
        let mut mixed = self.seed.wrapping_add(number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// SHA-256 of a file, in lower-case hexadecimal.
pub fn sha256_of_file(file: &Path) -> String {
    let mut reader = File::open(file).unwrap();
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; STEP];
    loop {
        let count = reader.read(&mut buffer).unwrap();
        if count == 0 {
            return hex(&hasher.finalize());
        }
        hasher.update(&buffer[..count]);
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_filled_anywhere_has_the_bytes_of_its_offsets() {
        let pattern = Pattern::new(7);
        for (start, end) in
            [(0, 0), (0, 1), (0, 8), (3, 5), (7, 9), (8, 24), (1, 1_000), (u64::from(u32::MAX), 1 << 32)]
        {
            let expected: Vec<u8> = (start..end).map(|offset| pattern.byte_at(offset)).collect();
            assert_eq!(pattern.bytes(start, end), expected, "[{start}, {end})");
        }
    }

    #[test]
    fn a_file_that_is_short_long_or_shifted_is_told_from_the_pattern() {
        let folder = crate::TempFolder::new();
        let file = folder.join("file");
        let pattern = Pattern::new(1);
        pattern.write_file(&file, 100_000);
        assert_eq!(pattern.first_difference(&file, 100_000), None);
        assert_eq!(pattern.first_difference(&file, 100_001), Some(100_000));
        assert_eq!(pattern.first_difference(&file, 99_999), Some(100_000));
        assert_eq!(sha256_of_file(&file), pattern.sha256(100_000));
        assert!(Pattern::new(2).first_difference(&file, 100_000).unwrap() < 8);
    }
}
