//! Half-open byte ranges. HTTP's inclusive ranges exist only where HTTP is spoken.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The bytes `[start, end)` of a file, counted from zero; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "(u64, u64)", into = "(u64, u64)")]
pub struct ByteRange {
    start: u64,
    end: u64,
}

/// A range whose end does not lie behind its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the byte range [{start}, {end}) is empty")]
pub struct EmptyRange {
    start: u64,
    end: u64,
}

impl ByteRange {
    /// The range `[start, end)`.
    pub const fn new(start: u64, end: u64) -> Result<Self, EmptyRange> {
        if start < end { Ok(Self { start, end }) } else { Err(EmptyRange { start, end }) }
    }

    /// Every byte from `start` on, for a file whose length is unknown.
    pub const fn from_start(start: u64) -> Self {
        assert!(start < u64::MAX, "no file reaches the last representable offset");
        Self { start, end: u64::MAX }
    }

    /// Offset of the first byte.
    pub const fn start(self) -> u64 {
        self.start
    }

    /// Offset just behind the last byte.
    pub const fn end(self) -> u64 {
        self.end
    }

    /// Number of bytes; at least one.
    #[expect(clippy::len_without_is_empty, reason = "a range is never empty")]
    pub const fn len(self) -> u64 {
        self.end - self.start
    }

    /// Whether the range runs to an end that is not known yet.
    pub const fn is_open_ended(self) -> bool {
        self.end == u64::MAX
    }

    /// Whether `offset` lies inside.
    pub const fn contains(self, offset: u64) -> bool {
        self.start <= offset && offset < self.end
    }
}

impl TryFrom<(u64, u64)> for ByteRange {
    type Error = EmptyRange;

    fn try_from((start, end): (u64, u64)) -> Result<Self, EmptyRange> {
        Self::new(start, end)
    }
}

impl From<ByteRange> for (u64, u64) {
    fn from(range: ByteRange) -> Self {
        (range.start, range.end)
    }
}

impl fmt::Display for ByteRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_open_ended() {
            write!(formatter, "[{}, …)", self.start)
        } else {
            write!(formatter, "[{}, {})", self.start, self.end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ranges_with_at_least_one_byte_exist() {
        for (start, end, length) in [(0, 1, Some(1)), (5, 10, Some(5)), (5, 5, None), (6, 5, None)] {
            assert_eq!(ByteRange::new(start, end).ok().map(ByteRange::len), length, "[{start}, {end})");
        }
    }

    #[test]
    fn a_stored_empty_range_is_refused() {
        assert!(serde_json::from_str::<ByteRange>("[7,7]").is_err());
        assert_eq!(serde_json::from_str::<ByteRange>("[7,9]").unwrap(), ByteRange::new(7, 9).unwrap());
    }

    #[test]
    fn a_range_is_shown_half_open_and_an_unknown_end_as_such() {
        assert_eq!(ByteRange::new(5, 10).unwrap().to_string(), "[5, 10)");
        let open = ByteRange::from_start(7);
        assert_eq!(open.to_string(), "[7, …)");
    }
}
