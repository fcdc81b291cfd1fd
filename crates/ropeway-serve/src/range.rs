//! Range requests (RFC 9110 §14): which bytes are asked for.

use ropeway_model::ByteRange;

/// What a `Range` header asks of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it.
    Whole,
    /// These bytes, all of which exist.
    Part(ByteRange),
    /// Only bytes that do not exist.
    Unsatisfiable,
}

impl Wanted {
    /// What `value` asks of a file of `length` bytes.
    ///
    /// What is no range, is of another unit, or asks for several ranges is answered with the whole file, as RFC 9110
    /// §14.2 allows: several ranges of one file are asked for in several requests by everybody who wants speed, and
    /// one `multipart/byteranges` request that names thousands of them is an old attack. An empty file satisfies no
    /// range at all; it is sent whole, because clients that add `bytes=0-` to every request would fail without need.
    pub(crate) fn of(value: &str, length: u64) -> Self {
        let Some((first, last)) = single_range(value) else { return Self::Whole };
        if length == 0 {
            return Self::Whole;
        }
        let (start, end) = match (number(first), number(last)) {
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

/// A decimal number; one too large to write down is larger than every file.
fn number(digits: &str) -> Option<u64> {
    let decimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    decimal.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// The `Content-Range` of a 206 response; HTTP counts the last byte in.
pub(crate) fn content_range(range: ByteRange, length: u64) -> String {
    format!("bytes {}-{}/{length}", range.start(), range.end() - 1)
}

/// The `Content-Range` of a 416 response.
pub(crate) fn unsatisfied_range(length: u64) -> String {
    format!("bytes */{length}")
}

#[cfg(test)]
mod tests {
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
    fn the_last_byte_is_counted_in() {
        assert_eq!(content_range(ByteRange::new(0, 1).unwrap(), 10), "bytes 0-0/10");
        assert_eq!(unsatisfied_range(10), "bytes */10");
    }
}
