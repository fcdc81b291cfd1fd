//! Which blocks of a file that is being downloaded have a recorded digest, and which are due for one.

use std::collections::BTreeMap;

use ropeway_model::{ByteRange, SegmentMap};
use ropeway_store::Block;

use super::Grid;

/// The recorded blocks of one file.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    grid: Grid,
    /// By the offset a block starts at.
    recorded: BTreeMap<u64, Block>,
}

impl Ledger {
    /// Ledger of a file that was announced with this length.
    pub(crate) fn new(length: Option<u64>, recorded: Vec<Block>) -> Self {
        let recorded = recorded.into_iter().map(|block| (block.range.start(), block)).collect();
        Self { grid: Grid::new(length), recorded }
    }

    /// The blocks that are wholly in place by `map` and have no digest yet.
    pub(crate) fn due(&self, map: &SegmentMap) -> Vec<ByteRange> {
        let written = map.written_ranges();
        let blocks = written.into_iter().flat_map(|written| self.grid.inside(written, map.length()));
        blocks.filter(|block| self.recorded.get(&block.start()).is_none_or(|had| had.range != *block)).collect()
    }

    /// Records digests.
    pub(crate) fn record(&mut self, blocks: &[Block]) {
        self.recorded.extend(blocks.iter().map(|block| (block.range.start(), *block)));
    }

    /// Forgets blocks whose bytes are not all in place by `map`.
    pub(crate) fn keep_inside(&mut self, map: &SegmentMap) {
        let written = map.written_ranges();
        let is_inside = |block: &Block| {
            written.iter().any(|range| range.start() <= block.range.start() && block.range.end() <= range.end())
        };
        self.recorded.retain(|_, block| is_inside(block));
    }

    /// All recorded blocks in the order of the file.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        self.recorded.values().copied().collect()
    }

    /// At most `most` recorded blocks that tell whether a crash left the file as it was saved: the last one before each
    /// hole, where bytes were written last, and the file's first.
    pub(crate) fn sample(&self, map: &SegmentMap, most: usize) -> Vec<Block> {
        let last_inside = |range: ByteRange| {
            let before = self.recorded.range(range.start()..range.end()).next_back();
            before.map(|(_, block)| *block)
        };
        let mut sample: Vec<Block> = self.recorded.values().next().copied().into_iter().collect();
        sample.extend(map.written_ranges().into_iter().filter_map(last_inside));
        sample.dedup_by_key(|block| block.range.start());
        sample.truncate(most);
        sample
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: u64 = 1 << 20;
    const LENGTH: u64 = 6 * MIB + 77;

    fn digested(range: ByteRange) -> Block {
        Block { range, digest: *blake3::hash(&range.start().to_be_bytes()).as_bytes() }
    }

    /// A step of a download: split a segment, write to one, or reach a checkpoint.
    #[derive(Clone, Debug)]
    enum Step {
        Split(prop::sample::Index),
        Write(prop::sample::Index, u64),
        Checkpoint,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            any::<prop::sample::Index>().prop_map(Step::Split),
            (any::<prop::sample::Index>(), 1..2 * MIB).prop_map(|(which, count)| Step::Write(which, count)),
            Just(Step::Checkpoint),
        ];
        prop::collection::vec(step, 0..60)
    }

    fn checkpoint(ledger: &mut Ledger, map: &SegmentMap) {
        let due = ledger.due(map);
        let new: Vec<Block> = due.into_iter().map(digested).collect();
        ledger.record(&new);
        assert!(ledger.due(map).is_empty());
    }

    proptest! {
        #[test]
        fn any_order_of_arrival_records_the_same_blocks_and_never_one_that_is_not_wholly_here(steps in steps()) {
            let mut map = SegmentMap::whole(LENGTH);
            let mut ledger = Ledger::new(Some(LENGTH), Vec::new());
            for step in steps {
                let starts: Vec<u64> = map.segments().iter().map(|segment| segment.range().start()).collect();
                match step {
                    Step::Split(which) => drop(map.halve(*which.get(&starts), 1)),
                    Step::Write(which, count) => map.advance(*which.get(&starts), count).unwrap(),
                    Step::Checkpoint => checkpoint(&mut ledger, &map),
                }
                let mut inside = ledger.clone();
                inside.keep_inside(&map);
                prop_assert_eq!(inside.blocks(), ledger.blocks(), "a block is recorded whose bytes are not here");
            }
            let starts: Vec<u64> = map.segments().iter().map(|segment| segment.range().start()).collect();
            for start in starts {
                map.advance(start, LENGTH).unwrap();
            }
            checkpoint(&mut ledger, &map);
            let whole = ByteRange::new(0, LENGTH).unwrap();
            let expected: Vec<Block> = Grid::new(Some(LENGTH)).inside(whole, Some(LENGTH)).map(digested).collect();
            prop_assert_eq!(ledger.blocks(), expected);
        }
    }

    #[test]
    fn the_sample_has_the_first_block_and_the_last_before_each_hole() {
        let mut map = SegmentMap::whole(8 * MIB);
        map.halve(0, 1).unwrap();
        map.advance(0, 2 * MIB + 1).unwrap();
        map.advance(4 * MIB, 3 * MIB).unwrap();
        let mut ledger = Ledger::new(Some(8 * MIB), Vec::new());
        checkpoint(&mut ledger, &map);
        let starts = |most| ledger.sample(&map, most).iter().map(|block| block.range.start() / MIB).collect::<Vec<_>>();
        assert_eq!(starts(9), [0, 1, 6]);
        assert_eq!(starts(2), [0, 1]);
    }
}
