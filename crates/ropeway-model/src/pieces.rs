//! Digests of a file's pieces, as a Metalink (RFC 5854 §4.2.4) tells them.

use serde::{Deserialize, Serialize};

use crate::{ByteRange, Digest};

/// Digests of the consecutive pieces of one file, all of the same length but the last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pieces {
    /// Bytes in every piece but the last, at least one.
    pub length: u64,
    /// One digest a piece, in the order of the file.
    pub digests: Vec<Digest>,
}

impl Pieces {
    /// The bytes of piece `number` of a file of `file_length` bytes; `None` behind the file's end.
    pub fn range(&self, number: usize, file_length: u64) -> Option<ByteRange> {
        let start = u64::try_from(number).ok()?.checked_mul(self.length)?;
        let end = start.checked_add(self.length)?.min(file_length);
        ByteRange::new(start, end).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_piece_ends_with_the_file() {
        let pieces = Pieces { length: 10, digests: Vec::new() };
        assert_eq!(pieces.range(0, 25), ByteRange::new(0, 10).ok());
        assert_eq!(pieces.range(2, 25), ByteRange::new(20, 25).ok());
        assert_eq!(pieces.range(3, 25), None);
        assert_eq!(pieces.range(usize::MAX, 25), None);
    }
}
