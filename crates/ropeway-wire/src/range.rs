//! `Range` (RFC 9110 §14.2): which bytes are asked for.

use http::HeaderValue;
use ropeway_model::ByteRange;

use crate::number::digits;

/// Value that asks for `want`.
pub fn value(want: ByteRange) -> HeaderValue {
    let text = if want.is_open_ended() {
        format!("bytes={}-", want.start())
    } else {
        format!("bytes={}-{}", want.start(), want.end() - 1)
    };
    HeaderValue::try_from(text).unwrap_or_else(|_| unreachable!("digits are a header value"))
}

/// Bytes of a file that a `Range` header asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Whole,
    /// These bytes, all of which exist.
    Part(ByteRange),
    /// Only bytes that do not exist.
    Unsatisfiable,
}

impl Wanted {
    /// Reads what `value` asks of a file of `length` bytes.
    ///
    /// What is no range, is of another unit, or asks for several ranges is answered with the whole file, as RFC 9110
    /// §14.2 allows: several ranges of one file are asked for in several requests by everybody who wants speed, and
    /// one `multipart/byteranges` request that names thousands of them is an old attack. An empty file satisfies no
    /// range at all; it is sent whole, because clients that add `bytes=0-` to every request would fail without need.
    pub fn of(value: &str, length: u64) -> Self {
        let Some((first, last)) = single_range(value) else { return Self::Whole };
        if length == 0 {
            return Self::Whole;
        }
        let (start, end) = match (digits(first), digits(last)) {
            (Some(first), Some(last)) if last < first => return Self::Whole,
            (Some(first), Some(last)) => (first, last.saturating_add(1).min(length)),
            (Some(first), None) if last.is_empty() => (first, length),
            (None, Some(suffix)) if first.is_empty() => (length.saturating_sub(suffix), length),
            _ => return Self::Whole,
        };
        ByteRange::new(start, end).map_or(Self::Unsatisfiable, Self::Part)
    }
}

/// The two sides of the one range in `bytes=first-last`.
fn single_range(value: &str) -> Option<(&str, &str)> {
    let (unit, set) = value.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    // Empty list elements count for nothing (RFC 9110 §5.6.1).
    let mut ranges = set.split(',').map(str::trim).filter(|range| !range.is_empty());
    let range = ranges.next()?;
    if ranges.next().is_some() { None } else { range.split_once('-') }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(start: u64, end: u64) -> Wanted {
        Wanted::Part(ByteRange::new(start, end).unwrap())
    }

    #[test]
    fn a_range_header_asks_for() {
        for (value, expected) in [
            ("bytes=0-0", part(0, 1)),
            ("bytes=0-", part(0, 100)),
            ("bytes=10-19", part(10, 20)),
            ("bytes=99-", part(99, 100)),
            ("bytes=90-200", part(90, 100)),
            ("bytes=-1", part(99, 100)),
            ("bytes=-1000", part(0, 100)),
            ("BYTES=5-6", part(5, 7)),
            ("bytes= 5-6 ,", part(5, 7)),
            ("bytes=0-99999999999999999999999", part(0, 100)),
            ("bytes=-99999999999999999999999", part(0, 100)),
            ("bytes=100-", Wanted::Unsatisfiable),
            ("bytes=100-200", Wanted::Unsatisfiable),
            ("bytes=99999999999999999999999-", Wanted::Unsatisfiable),
            ("bytes=-0", Wanted::Unsatisfiable),
            ("bytes=5-4", Wanted::Whole),
            ("bytes=0-1,5-6", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=", Wanted::Whole),
            ("bytes", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("bytes=1-2x", Wanted::Whole),
            ("bytes=0x1-0x2", Wanted::Whole),
            ("bytes=--1", Wanted::Whole),
            ("lines=1-2", Wanted::Whole),
        ] {
            assert_eq!(Wanted::of(value, 100), expected, "{value}");
        }
    }

    #[test]
    fn an_empty_file_is_always_sent_whole() {
        for value in ["bytes=0-", "bytes=0-0", "bytes=-5", "bytes=7-"] {
            assert_eq!(Wanted::of(value, 0), Wanted::Whole, "{value}");
        }
    }

    #[test]
    fn a_range_is_written_with_its_last_byte() {
        for (start, end, text) in [(0, 1, "bytes=0-0"), (5, 10, "bytes=5-9"), (7, u64::MAX, "bytes=7-")] {
            assert_eq!(value(ByteRange::new(start, end).unwrap()), text);
        }
    }

    proptest! {
        #[test]
        fn a_server_reads_the_range_that_a_client_writes(start in 0..u64::MAX / 4, length in 1..u64::MAX / 4) {
            let want = ByteRange::new(start, start + length).unwrap();
            let value = value(want);
            prop_assert_eq!(Wanted::of(value.to_str().unwrap(), u64::MAX / 2), Wanted::Part(want));
        }

        #[test]
        fn no_range_leads_out_of_the_file(value in "(bytes=)?[-0-9, =*x]{0,30}", length in 0..1_000_u64) {
            if let Wanted::Part(range) = Wanted::of(&value, length) {
                prop_assert!(range.end() <= length);
            }
        }
    }
}
