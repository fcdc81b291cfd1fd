//! Soft checkpoints. They tell which bytes of a part file the page cache holds, for whoever starts in the same boot.
//!
//! A file of two slots keeps the last two of a job: each is written over the older one, so that one which a kill
//! interrupts leaves the other.

use ropeway_model::ByteRange;

use ropeway_flow::disk::BootId;

/// Bytes of a slot; a write within one page is the kernel's in one step, as a rule.
const SLOT: usize = 4096;
/// Begins every record; the digit is the format's number.
const MAGIC: [u8; 8] = *b"ropsoft1";
/// Bytes before the ranges: magic, generation, boot, inode, number of ranges.
const HEAD: usize = 8 + 8 + 16 + 8 + 8;
/// Bytes of the digest behind the ranges.
const DIGEST: usize = 16;
/// Bytes of a range.
const RANGE: usize = 16;
/// Ranges in a slot at most. A download has fewer connections; of more, the longest are kept.
const MOST_RANGES: usize = (SLOT - HEAD - DIGEST) / RANGE;

/// Bytes of a part file that were written, synced or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoftCheckpoint {
    /// The boot in which they were.
    pub boot: BootId,
    /// The part file's number in its file system.
    pub inode: u64,
    /// The bytes, in the order of the file, disjoint.
    pub written: Vec<ByteRange>,
}

impl SoftCheckpoint {
    /// The newest checkpoint in `file` that is whole, with its generation.
    pub fn latest(file: &[u8]) -> Option<(u64, Self)> {
        file.chunks(SLOT).take(2).filter_map(decode).max_by_key(|(generation, _)| *generation)
    }

    /// Bytes of this checkpoint as `generation`, and their place in the file.
    pub(crate) fn encode(&self, generation: u64) -> (Vec<u8>, u64) {
        let mut kept = self.written.clone();
        if kept.len() > MOST_RANGES {
            kept.sort_unstable_by_key(|range| std::cmp::Reverse(range.len()));
            kept.truncate(MOST_RANGES);
            kept.sort_unstable_by_key(|range| range.start());
        }
        let mut bytes = Vec::with_capacity(HEAD + kept.len() * RANGE + DIGEST);
        bytes.extend(MAGIC);
        bytes.extend(generation.to_le_bytes());
        bytes.extend(self.boot.0);
        bytes.extend(self.inode.to_le_bytes());
        bytes.extend((kept.len() as u64).to_le_bytes());
        for range in kept {
            bytes.extend(range.start().to_le_bytes());
            bytes.extend(range.end().to_le_bytes());
        }
        let digest = digest(&bytes);
        bytes.extend(digest);
        (bytes, generation % 2 * SLOT as u64)
    }
}

fn digest(bytes: &[u8]) -> [u8; DIGEST] {
    let mut digest = [0; DIGEST];
    digest.iter_mut().zip(blake3::hash(bytes).as_bytes()).for_each(|(to, from)| *to = *from);
    digest
}

/// The checkpoint in a slot; `None` where it was torn, or was none.
fn decode(slot: &[u8]) -> Option<(u64, SoftCheckpoint)> {
    let mut rest = slot.strip_prefix(&MAGIC)?;
    let generation = take_number(&mut rest)?;
    let (boot, mut rest) = rest.split_first_chunk()?;
    let inode = take_number(&mut rest)?;
    let count = usize::try_from(take_number(&mut rest)?).ok().filter(|count| *count <= MOST_RANGES)?;
    let signed = slot.get(..HEAD + count * RANGE)?;
    let said = slot.get(signed.len()..signed.len() + DIGEST)?;
    if said != digest(signed) {
        return None;
    }
    let mut written: Vec<ByteRange> = Vec::with_capacity(count);
    for _ in 0..count {
        let range = ByteRange::new(take_number(&mut rest)?, take_number(&mut rest)?).ok()?;
        if written.last().is_some_and(|last| last.end() > range.start()) {
            return None;
        }
        written.push(range);
    }
    Some((generation, SoftCheckpoint { boot: BootId(*boot), inode, written }))
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*number))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn checkpoint(ranges: &[(u64, u64)]) -> SoftCheckpoint {
        let written = ranges.iter().map(|(start, end)| ByteRange::new(*start, *end).unwrap()).collect();
        SoftCheckpoint { boot: BootId([7; 16]), inode: 42, written }
    }

    /// Puts `count` bytes of a checkpoint into the file: a kill interrupts the write there.
    fn put(file: &mut Vec<u8>, checkpoint: &SoftCheckpoint, generation: u64, count: usize) {
        let (bytes, offset) = checkpoint.encode(generation);
        let (offset, count) = (usize::try_from(offset).unwrap(), count.min(bytes.len()));
        file.resize(file.len().max(offset + count), 0);
        file[offset..offset + count].copy_from_slice(&bytes[..count]);
    }

    #[test]
    fn the_newest_of_two_is_found_and_a_third_takes_the_place_of_the_oldest() {
        let mut file = Vec::new();
        assert_eq!(SoftCheckpoint::latest(&file), None);
        for generation in 1..6 {
            let newest = checkpoint(&[(0, generation * 1000), (9000, 9000 + generation)]);
            put(&mut file, &newest, generation, SLOT);
            assert_eq!(SoftCheckpoint::latest(&file), Some((generation, newest)));
            assert!(file.len() <= 2 * SLOT);
        }
    }

    #[test]
    fn a_write_that_a_kill_interrupts_anywhere_leaves_the_one_before_it() {
        let (old, new) = (checkpoint(&[(0, 5), (7, 9)]), checkpoint(&[(0, 6), (7, 30), (50, 60)]));
        let whole = new.encode(3).0.len();
        for count in 0..whole {
            let mut file = Vec::new();
            put(&mut file, &checkpoint(&[(0, 1)]), 1, SLOT);
            put(&mut file, &old, 2, SLOT);
            put(&mut file, &new, 3, count);
            assert_eq!(SoftCheckpoint::latest(&file), Some((2, old.clone())), "{count} of {whole} bytes");
        }
    }

    #[test]
    fn of_more_ranges_than_there_is_room_for_the_longest_are_kept() {
        let ranges: Vec<_> = (0..1000_u64).map(|at| (at * 1000, at * 1000 + 1 + at)).collect();
        let (bytes, _) = checkpoint(&ranges).encode(1);
        assert!(bytes.len() <= SLOT);
        let (_, kept) = SoftCheckpoint::latest(&[vec![0; SLOT], bytes].concat()).unwrap();
        assert_eq!(kept, checkpoint(&ranges[1000 - MOST_RANGES..]));
    }

    proptest! {
        #[test]
        fn no_damage_makes_another_checkpoint_of_one(at in 0_usize..120, bit in 0_u8..8) {
            let mut file = Vec::new();
            let whole = checkpoint(&[(0, 5), (7, 9)]);
            put(&mut file, &whole, 2, SLOT);
            if let Some(byte) = file.get_mut(at) {
                *byte ^= 1 << bit;
                prop_assert_eq!(SoftCheckpoint::latest(&file), None);
            }
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(SoftCheckpoint::latest(&[MAGIC.to_vec(), bytes].concat()), None);
        }
    }
}
