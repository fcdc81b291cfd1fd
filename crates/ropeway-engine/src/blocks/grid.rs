//! Grid that cuts a file into blocks.

use ropeway_model::ByteRange;

/// Bytes in a block of a file of ordinary size. A damaged block costs this much to fetch again.
const SMALLEST: u64 = 1 << 20;
/// Blocks of one file at most: their digests take 64 KiB in the queue.
const MOST_BLOCKS: u64 = 2048;
/// Bytes in a block of a file whose length nobody knew when it began.
const OF_UNKNOWN_LENGTH: u64 = 8 << 20;

/// The blocks of one file: all of one size but the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    size: u64,
}

impl Grid {
    /// The grid of a file that is announced with this length. It never changes for a file, also when a length that was
    /// unknown turns out.
    pub(crate) const fn new(length: Option<u64>) -> Self {
        let Some(length) = length else { return Self { size: OF_UNKNOWN_LENGTH } };
        let mut size = SMALLEST;
        while length.div_ceil(size) > MOST_BLOCKS {
            size *= 2;
        }
        Self { size }
    }

    /// Bytes in every block but the last.
    pub(crate) const fn size(self) -> u64 {
        self.size
    }

    /// The blocks of a file of `length` bytes that lie wholly inside `written`. While the length is not known there is
    /// no last, shorter one.
    pub(crate) fn inside(self, written: ByteRange, length: Option<u64>) -> impl Iterator<Item = ByteRange> {
        let first = written.start().div_ceil(self.size);
        let ends = move |number: u64| {
            let start = number.checked_mul(self.size)?;
            let end = start.checked_add(self.size)?.min(length.unwrap_or(u64::MAX));
            ByteRange::new(start, end).ok()
        };
        (first..).map_while(ends).take_while(move |block| block.end() <= written.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;

    #[test]
    fn blocks_grow_with_the_file_so_that_there_are_not_too_many() {
        for (length, size) in [
            (Some(0), MIB),
            (Some(2 * GIB), MIB),
            (Some(2 * GIB + 1), 2 * MIB),
            (Some(1 << 40), 512 * MIB),
            (None, 8 * MIB),
        ] {
            let grid = Grid::new(length);
            assert_eq!(grid.size, size, "{length:?}");
            assert!(length.unwrap_or(0).div_ceil(grid.size) <= MOST_BLOCKS);
        }
    }

    #[test]
    fn only_whole_blocks_count_and_the_last_one_ends_with_the_file() {
        let grid = Grid::new(Some(3 * MIB + 5));
        let starts = |start, end, length| {
            let written = ByteRange::new(start, end).unwrap();
            grid.inside(written, length).map(|block| (block.start() / MIB, block.len())).collect::<Vec<_>>()
        };
        assert_eq!(starts(0, 3 * MIB + 5, Some(3 * MIB + 5)), [(0, MIB), (1, MIB), (2, MIB), (3, 5)]);
        assert_eq!(starts(0, 3 * MIB + 5, None), [(0, MIB), (1, MIB), (2, MIB)]);
        assert_eq!(starts(1, 2 * MIB - 1, Some(3 * MIB + 5)), []);
        assert_eq!(starts(1, 2 * MIB, Some(3 * MIB + 5)), [(1, MIB)]);
    }
}
