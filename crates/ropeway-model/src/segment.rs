//! Which bytes of a file are here and which worker fetches which: the heart of resume.

use serde::{Deserialize, Serialize};

use crate::ByteRange;

/// A stretch of the file that one worker fetches from its start to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Segment {
    range: ByteRange,
    written: u64,
}

/// A segment map that would lie about the file, or a call that would make it lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// Segments overlap, leave a hole, or do not start at 0.
    #[error("the segments do not cover the file without overlap: byte {at} is wrong")]
    NotACover {
        /// The first offset that is covered twice or not at all.
        at: u64,
    },
    /// More written than the segment holds.
    #[error("{written} bytes written in the segment {range}")]
    Overfull {
        /// The segment.
        range: ByteRange,
        /// The claim.
        written: u64,
    },
    /// No segment starts there.
    #[error("no segment starts at byte {start}")]
    NoSuchSegment {
        /// The offset asked for.
        start: u64,
    },
    /// The file ended elsewhere than its map says.
    #[error("the file ends at byte {length}, its segments reach to {reached}")]
    WrongEnd {
        /// Where the file ends.
        length: u64,
        /// What was written.
        reached: u64,
    },
}

impl Segment {
    /// A segment with its first `written` bytes in place.
    pub const fn new(range: ByteRange, written: u64) -> Result<Self, SegmentError> {
        if written <= range.len() {
            Ok(Self { range, written })
        } else {
            Err(SegmentError::Overfull { range, written })
        }
    }

    /// The bytes it stands for.
    pub const fn range(&self) -> ByteRange {
        self.range
    }

    /// How many bytes from its start are in place.
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// What is still missing; `None` when complete.
    pub fn missing(&self) -> Option<ByteRange> {
        ByteRange::new(self.range.start() + self.written, self.range.end()).ok()
    }
}

/// The segments of one file: disjoint, in order, covering every byte from 0 to the file's length.
///
/// A segment is named by the offset it starts at, which never changes: a split leaves the start to the part that is
/// being fetched. A file of unknown length has a last segment without end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentMap {
    segments: Vec<Segment>,
}

impl SegmentMap {
    /// One segment over a file of `length` bytes; none for an empty file.
    pub fn whole(length: u64) -> Self {
        let segments = ByteRange::new(0, length).map(|range| Segment { range, written: 0 });
        Self { segments: segments.into_iter().collect() }
    }

    /// One segment over a file whose length is unknown.
    pub fn open_ended() -> Self {
        Self { segments: vec![Segment { range: ByteRange::from_start(0), written: 0 }] }
    }

    /// A map as the store kept it.
    ///
    /// # Errors
    /// [`SegmentError::NotACover`] if the segments overlap, leave a hole, or do not start at 0.
    pub fn from_segments(mut segments: Vec<Segment>) -> Result<Self, SegmentError> {
        segments.sort_by_key(|segment| segment.range.start());
        let mut expected = 0;
        for segment in &segments {
            if segment.range.start() != expected {
                return Err(SegmentError::NotACover { at: expected.min(segment.range.start()) });
            }
            expected = segment.range.end();
        }
        Ok(Self { segments })
    }

    /// The segments in the order of the file.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Length of the file; `None` while unknown.
    pub fn length(&self) -> Option<u64> {
        match self.segments.last() {
            Some(last) if last.range.is_open_ended() => None,
            last => Some(last.map_or(0, |last| last.range.end())),
        }
    }

    /// Bytes in place.
    pub fn written(&self) -> u64 {
        self.segments.iter().map(|segment| segment.written).sum()
    }

    /// The stretches in place, in the order of the file, neighbours joined.
    pub fn written_ranges(&self) -> Vec<ByteRange> {
        let mut joined: Vec<ByteRange> = Vec::new();
        for segment in &self.segments {
            let start = segment.range.start();
            let Ok(written) = ByteRange::new(start, start + segment.written) else { continue };
            match joined.last_mut() {
                Some(last) if last.end() == start => {
                    *last = ByteRange::new(last.start(), written.end()).unwrap_or(written);
                }
                _ => joined.push(written),
            }
        }
        joined
    }

    /// The same file of which only the bytes in place that lie in `kept`, in order and disjoint, still are.
    #[must_use]
    pub fn only(&self, kept: &[ByteRange]) -> Self {
        let end = self.length().unwrap_or(u64::MAX);
        let written = self.written_ranges();
        let overlap = |kept: &ByteRange| {
            let inside = |written: &ByteRange| {
                ByteRange::new(kept.start().max(written.start()), kept.end().min(written.end())).ok()
            };
            written.iter().filter_map(inside).collect::<Vec<_>>()
        };
        let left: Vec<ByteRange> = kept.iter().flat_map(overlap).collect();
        Self::holding(&left, end)
    }

    /// The same file of which the bytes of `more` are in place, too.
    #[must_use]
    pub fn with(&self, more: &[ByteRange]) -> Self {
        let mut written = self.written_ranges();
        written.extend(more);
        written.sort_unstable_by_key(|range| range.start());
        let mut joined: Vec<ByteRange> = Vec::with_capacity(written.len());
        for range in written {
            match joined.last_mut().filter(|last| range.start() <= last.end()) {
                Some(last) => *last = ByteRange::new(last.start(), last.end().max(range.end())).unwrap_or(*last),
                None => joined.push(range),
            }
        }
        Self::holding(&joined, self.length().unwrap_or(u64::MAX))
    }

    /// A file that ends at `end`, of which `written`, in order and disjoint, is in place.
    fn holding(written: &[ByteRange], end: u64) -> Self {
        let starts = written.iter().map(|range| (range.start(), range.len()));
        let mut segments = Vec::new();
        let first = written.first().map_or(end, |range| range.start());
        segments.extend(ByteRange::new(0, first).map(|range| Segment { range, written: 0 }));
        let ends = written.iter().skip(1).map(|range| range.start()).chain([end]);
        for ((start, written), end) in starts.zip(ends) {
            segments.extend(ByteRange::new(start, end).map(|range| Segment { range, written }));
        }
        Self { segments }
    }

    /// The same file of which the bytes of `holes`, in order and disjoint, are not in place.
    #[must_use]
    pub fn without(&self, holes: &[ByteRange]) -> Self {
        let mut kept = Vec::with_capacity(holes.len() + 1);
        let mut from = 0;
        for hole in holes {
            kept.extend(ByteRange::new(from, hole.start()));
            from = hole.end();
        }
        kept.extend(ByteRange::new(from, u64::MAX));
        self.only(&kept)
    }

    /// Whether every byte is in place.
    pub fn is_complete(&self) -> bool {
        self.segments.iter().all(|segment| segment.missing().is_none())
    }

    /// Bytes in place from the start of the file without a gap; what a hasher may read.
    pub fn contiguous_prefix(&self) -> u64 {
        let mut prefix = 0;
        for segment in &self.segments {
            prefix = segment.range.start() + segment.written;
            if segment.missing().is_some() {
                break;
            }
        }
        prefix
    }

    /// What the segment that starts at `start` still misses; `None` when it is complete or does not exist.
    pub fn missing(&self, start: u64) -> Option<ByteRange> {
        self.find(start).ok().and_then(|at| self.segments.get(at)).and_then(Segment::missing)
    }

    /// Records `count` more bytes at the front of what the segment misses. Bytes past its end, which a worker may have
    /// fetched before a split took the tail away, do not count: the owner of the tail writes the same bytes.
    ///
    /// # Errors
    /// [`SegmentError::NoSuchSegment`] if no segment starts at `start`.
    pub fn advance(&mut self, start: u64, count: u64) -> Result<(), SegmentError> {
        let at = self.find(start)?;
        if let Some(segment) = self.segments.get_mut(at) {
            segment.written = segment.written.saturating_add(count).min(segment.range.len());
        }
        Ok(())
    }

    /// Takes the later half of what the segment at `start` misses away from it and returns the new segment's start.
    /// `None`, and nothing changes, when a half would have fewer than `smallest` bytes or the end is unknown.
    pub fn halve(&mut self, start: u64, smallest: u64) -> Option<u64> {
        let missing = self.missing(start).filter(|missing| !missing.is_open_ended())?;
        let kept = missing.len().div_ceil(2);
        if missing.len() - kept < smallest.max(1) {
            return None;
        }
        self.split(start, missing.start() + kept)
    }

    /// Takes everything from `middle` on away from the segment at `start` and returns the new segment's start.
    /// `None`, and nothing changes, when `middle` does not lie inside what the segment misses or the end is unknown.
    pub fn split(&mut self, start: u64, middle: u64) -> Option<u64> {
        let at = self.find(start).ok()?;
        let segment = self.segments.get_mut(at)?;
        segment.missing().filter(|missing| !missing.is_open_ended() && missing.contains(middle))?;
        let tail = ByteRange::new(middle, segment.range.end()).ok()?;
        segment.range = ByteRange::new(segment.range.start(), middle).ok()?;
        self.segments.insert(at + 1, Segment { range: tail, written: 0 });
        Some(middle)
    }

    /// Gives the segment at `start`, of which nothing is written, back to the one before it: the undoing of a split
    /// whose tail could not be fetched on its own. `false`, and nothing changes, where that is impossible.
    pub fn give_back(&mut self, start: u64) -> bool {
        let Ok(at) = self.find(start) else { return false };
        let untouched = self.segments.get(at).filter(|segment| segment.written == 0).map(Segment::range);
        let (Some(tail), Some(before)) = (untouched, at.checked_sub(1).and_then(|at| self.segments.get_mut(at))) else {
            return false;
        };
        let Ok(joined) = ByteRange::new(before.range.start(), tail.end()) else { return false };
        before.range = joined;
        self.segments.remove(at);
        true
    }

    /// Gives the file its end, once the stream of unknown length has ended.
    ///
    /// # Errors
    /// [`SegmentError::WrongEnd`] if a known length differs or bytes before the end are missing.
    pub fn close(&mut self, length: u64) -> Result<(), SegmentError> {
        let reached = self.contiguous_prefix();
        let wrong = SegmentError::WrongEnd { length, reached };
        if self.length().is_some_and(|known| known != length) || reached != length {
            return Err(wrong);
        }
        // One of a known length ends there already.
        if let Some(last) = self.segments.last_mut() {
            match ByteRange::new(last.range.start(), length) {
                Ok(range) => last.range = range,
                Err(_) => drop(self.segments.pop()),
            }
        }
        Ok(())
    }

    /// The same bytes with complete neighbours joined into one segment: what is worth storing.
    #[must_use]
    pub fn coalesced(&self) -> Self {
        let mut joined: Vec<Segment> = Vec::with_capacity(self.segments.len());
        for segment in &self.segments {
            match joined.last_mut() {
                Some(last) if last.missing().is_none() && segment.written > 0 => {
                    if let Ok(range) = ByteRange::new(last.range.start(), segment.range.end()) {
                        last.written += segment.written;
                        last.range = range;
                    }
                }
                _ => joined.push(*segment),
            }
        }
        Self { segments: joined }
    }

    fn find(&self, start: u64) -> Result<usize, SegmentError> {
        self.segments
            .binary_search_by_key(&start, |segment| segment.range.start())
            .map_err(|_| SegmentError::NoSuchSegment { start })
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "the modelled file has 300 bytes")]
mod tests;
