//! Whether a server still sends the bytes that are on disk, told by fetching some of them again: for servers that give
//! nothing else to recognise a file by, and for a new link to it.

use ropeway_flow::disk::{DiskError, PartFile};
use ropeway_model::{ByteRange, SegmentMap, Validator};

use super::range_fetch;
pub(crate) use super::range_fetch::{RangeError, RangeSource};

/// Bytes before the first hole that are fetched again: what differs at all differs within these, as a rule.
const BEFORE_THE_HOLE: u64 = 256 << 10;
/// Bytes at the file's start that are fetched again: headers and indexes that change stand there.
const AT_THE_START: u64 = 64 << 10;
/// Result of the comparison.
#[derive(Debug)]
pub(crate) enum Overlap {
    /// Every byte that came is the one on disk; with what the server says of its version now.
    Same(Validator),
    /// Another byte came than the one on disk.
    Different {
        /// Its offset.
        at: u64,
    },
    /// Nothing is on disk that could be compared.
    Nothing,
}

/// Fetches the bytes right before the first hole again, and some from the file's start, and compares them with `part`.
/// Nothing is written.
pub(crate) async fn compare(
    source: &RangeSource<'_>,
    part: &dyn PartFile,
    map: &SegmentMap,
) -> Result<Overlap, RangeError> {
    let mut now = None;
    for stretch in stretches(map) {
        match compare_stretch(source, part, stretch).await? {
            Overlap::Same(validator) => now = now.or(Some(validator)),
            other => return Ok(other),
        }
    }
    Ok(now.map_or(Overlap::Nothing, Overlap::Same))
}

/// What is fetched again, the most telling first.
fn stretches(map: &SegmentMap) -> Vec<ByteRange> {
    let prefix = map.contiguous_prefix();
    let first_end = match prefix {
        // The start is missing: what there is lies further behind.
        0 => map.segments().iter().find(|segment| segment.written() > 0).map(|segment| {
            let start = segment.range().start();
            (start, start + segment.written())
        }),
        prefix => Some((0, prefix)),
    };
    let Some((start, end)) = first_end else { return Vec::new() };
    let before_the_hole = ByteRange::new(end.saturating_sub(BEFORE_THE_HOLE).max(start), end);
    let at_the_start = match before_the_hole {
        Ok(range) if start == 0 => ByteRange::new(0, AT_THE_START.min(range.start())).ok(),
        _ => None,
    };
    before_the_hole.into_iter().chain(at_the_start).collect()
}

async fn compare_stretch(
    source: &RangeSource<'_>,
    part: &dyn PartFile,
    stretch: ByteRange,
) -> Result<Overlap, RangeError> {
    let mut different = None;
    let compare = |offset: u64, bytes: &[u8]| {
        different = difference(part, offset, bytes)?;
        Ok(different.is_none())
    };
    let now = range_fetch::fetch_range(source, stretch, None, compare).await?;
    Ok(match (different, now) {
        (Some(at), _) => Overlap::Different { at },
        (None, Some(now)) => Overlap::Same(now),
        (None, None) => Overlap::Nothing,
    })
}

/// The first offset at which `bytes`, which lie at `offset`, are not those on disk.
fn difference(part: &dyn PartFile, offset: u64, bytes: &[u8]) -> Result<Option<u64>, DiskError> {
    let mut saved = vec![0; bytes.len()];
    let read = part.read_at(&mut saved, offset)?;
    let same = saved.iter().take(read).zip(bytes).take_while(|(had, came)| had == came).count();
    Ok((same < bytes.len()).then(|| offset + same as u64))
}

#[cfg(test)]
mod tests {
    use ropeway_flow::disk::FileStamp;
    use ropeway_model::Segment;

    use super::*;

    const KIB: u64 = 1 << 10;

    /// What is on disk.
    #[derive(Debug)]
    struct Saved(&'static [u8]);

    impl PartFile for Saved {
        fn write_at(&self, _: &[u8], _: u64) -> Result<(), DiskError> {
            unreachable!("only read")
        }

        fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError> {
            let from = self.0.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
            let count = from.len().min(buffer.len());
            buffer[..count].copy_from_slice(&from[..count]);
            Ok(count)
        }

        fn sync_data(&self) -> Result<(), DiskError> {
            unreachable!("only read")
        }

        fn length(&self) -> Result<u64, DiskError> {
            Ok(self.0.len() as u64)
        }

        fn set_length(&self, _: u64) -> Result<(), DiskError> {
            unreachable!("only read")
        }

        fn stamp(&self) -> Result<FileStamp, DiskError> {
            unreachable!("only read")
        }
    }

    #[test]
    fn the_first_byte_that_differs_is_told_by_its_place_in_the_file() {
        let saved = Saved(b"abcdefgh");
        for (offset, came, expected) in [
            (0, &b"abcdefgh"[..], None),
            (3, b"def", None),
            (3, b"deX", Some(5)),
            (3, b"Xef", Some(3)),
            (6, b"ghi", Some(8)),
            (9, b"j", Some(9)),
        ] {
            assert_eq!(difference(&saved, offset, came).unwrap(), expected, "{came:?} at {offset}");
        }
    }

    fn map(segments: &[(u64, u64, u64)]) -> SegmentMap {
        let segment = |(start, end, written): &(u64, u64, u64)| {
            Segment::new(ByteRange::new(*start, *end).unwrap(), *written).unwrap()
        };
        SegmentMap::from_segments(segments.iter().map(segment).collect()).unwrap()
    }

    #[test]
    fn the_bytes_before_the_first_hole_are_fetched_again_and_some_of_the_start() {
        let range = |start, end| ByteRange::new(start * KIB, end * KIB).unwrap();
        for (segments, expected) in [
            (vec![(0, 9000 * KIB, 0)], vec![]),
            (vec![(0, 9000 * KIB, 100 * KIB)], vec![range(0, 100)]),
            (vec![(0, 9000 * KIB, 300 * KIB)], vec![range(44, 300), range(0, 44)]),
            (vec![(0, 9000 * KIB, 4000 * KIB)], vec![range(3744, 4000), range(0, 64)]),
            (vec![(0, 500 * KIB, 0), (500 * KIB, 9000 * KIB, 100 * KIB)], vec![range(500, 600)]),
        ] {
            assert_eq!(stretches(&map(&segments)), expected, "{segments:?}");
        }
    }
}
