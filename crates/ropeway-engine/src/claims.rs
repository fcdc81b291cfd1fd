//! Which worker fetches which segment: the segment map while workers are at it.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use ropeway_model::{ByteRange, Segment, SegmentError, SegmentMap};

use crate::plan::SMALLEST_SEGMENT;

/// A stretch of a file that is being downloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentSnapshot {
    /// The stretch with its written part.
    pub segment: Segment,
    /// Whether a connection fetches it now.
    pub is_active: bool,
}

/// The segments of one running download. A segment belongs to at most one worker.
#[derive(Debug)]
pub(crate) struct Claims(Mutex<State>);

#[derive(Debug)]
struct State {
    map: SegmentMap,
    /// Starts of the segments that have a worker.
    claimed: BTreeSet<u64>,
}

impl Claims {
    pub(crate) fn new(map: SegmentMap) -> Self {
        Self(Mutex::new(State { map, claimed: BTreeSet::new() }))
    }

    /// Takes a segment for a worker: the first that nobody fetches, else, with `may_split`, the later half of the one
    /// with the most left.
    pub(crate) fn claim(&self, may_split: bool) -> Option<u64> {
        let mut state = self.0.lock();
        let start = state.idle().or_else(|| may_split.then(|| state.split()).flatten())?;
        state.claimed.insert(start);
        Some(start)
    }

    /// Nobody fetches this segment any more.
    pub(crate) fn release(&self, start: u64) {
        self.0.lock().claimed.remove(&start);
    }

    /// Undoes a split whose tail could not be fetched on its own; `false` if it is too late for that.
    pub(crate) fn give_back(&self, start: u64) -> bool {
        let mut state = self.0.lock();
        state.claimed.remove(&start);
        let before = state.map.segments().iter().rev().find(|segment| segment.range().start() < start);
        let is_being_fetched = before.is_some_and(|segment| state.claimed.contains(&segment.range().start()));
        is_being_fetched && state.map.give_back(start)
    }

    /// What the segment still misses; `None` when it is complete.
    pub(crate) fn missing(&self, start: u64) -> Option<ByteRange> {
        self.0.lock().map.missing(start)
    }

    /// Records bytes that are written, and returns how far the file is contiguous.
    pub(crate) fn advance(&self, start: u64, count: u64) -> Result<(), SegmentError> {
        self.0.lock().map.advance(start, count)
    }

    /// How far the file is contiguous from its start.
    pub(crate) fn contiguous_prefix(&self) -> u64 {
        self.0.lock().map.contiguous_prefix()
    }

    /// Gives a file of unknown length its end.
    pub(crate) fn close(&self, length: u64) -> Result<(), SegmentError> {
        self.0.lock().map.close(length)
    }

    pub(crate) fn length(&self) -> Option<u64> {
        self.0.lock().map.length()
    }

    pub(crate) fn written(&self) -> u64 {
        self.0.lock().map.written()
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.0.lock().map.is_complete()
    }

    /// What is worth storing.
    pub(crate) fn coalesced(&self) -> SegmentMap {
        self.0.lock().map.coalesced()
    }

    /// What is worth showing.
    pub(crate) fn snapshot(&self) -> Vec<SegmentSnapshot> {
        let state = self.0.lock();
        let show = |segment: &Segment| SegmentSnapshot {
            segment: *segment,
            is_active: state.claimed.contains(&segment.range().start()),
        };
        state.map.segments().iter().map(show).collect()
    }
}

impl State {
    fn idle(&self) -> Option<u64> {
        let is_idle = |start: &u64| !self.claimed.contains(start);
        let missing = self.map.segments().iter().filter(|segment| segment.missing().is_some());
        missing.map(|segment| segment.range().start()).find(is_idle)
    }

    fn split(&mut self) -> Option<u64> {
        let left = |segment: &&Segment| segment.missing().map_or(0, ByteRange::len);
        let longest = self.map.segments().iter().max_by_key(left)?.range().start();
        self.map.halve(longest, SMALLEST_SEGMENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn an_idle_worker_takes_half_of_the_segment_with_the_most_left() {
        let claims = Claims::new(SegmentMap::whole(16 * MIB));
        assert_eq!(claims.claim(true), Some(0));
        assert_eq!(claims.claim(true), Some(8 * MIB));
        claims.advance(0, 6 * MIB).unwrap();
        assert_eq!(claims.claim(true), Some(12 * MIB));
        assert_eq!(claims.claim(false), None, "nothing is idle and nothing may be split");
    }

    #[test]
    fn a_released_segment_is_taken_before_anything_is_split() {
        let claims = Claims::new(SegmentMap::whole(16 * MIB));
        claims.claim(true);
        let second = claims.claim(true).unwrap();
        claims.advance(second, MIB).unwrap();
        claims.release(second);
        assert_eq!(claims.claim(true), Some(second));
        assert_eq!(claims.missing(second).unwrap().start(), 9 * MIB);
    }

    #[test]
    fn a_tail_goes_back_only_to_a_worker_that_is_still_at_it() {
        let claims = Claims::new(SegmentMap::whole(16 * MIB));
        let first = claims.claim(true).unwrap();
        let tail = claims.claim(true).unwrap();
        assert!(claims.give_back(tail));
        assert_eq!(claims.missing(first).unwrap().len(), 16 * MIB);
        let tail = claims.claim(true).unwrap();
        claims.release(first);
        assert!(!claims.give_back(tail));
    }

    #[test]
    fn segments_near_their_end_are_left_alone() {
        let claims = Claims::new(SegmentMap::whole(MIB));
        claims.claim(true);
        claims.advance(0, MIB - SMALLEST_SEGMENT).unwrap();
        assert_eq!(claims.claim(true), None);
    }
}
