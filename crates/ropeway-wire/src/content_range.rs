//! `Content-Range` (RFC 9110 §14.4). It tells which bytes an answer brings, and of how many.

use std::fmt;

use http::{HeaderMap, header::CONTENT_RANGE};
use ropeway_model::ByteRange;

use crate::{
    WireError,
    number::{LONGEST_FILE, of_a_file},
    shown,
};

/// Bytes that a 206 brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRange {
    pub range: ByteRange,
    /// Length of the whole file, unless the server leaves it open (`*`).
    pub length: Option<u64>,
}

impl ContentRange {
    /// The range that `value` describes.
    ///
    /// # Errors
    /// [`WireError::ContentRange`] for another unit, no range, or one that no file has.
    pub fn parse(value: &[u8]) -> Result<Self, WireError> {
        Self::read(value).ok_or_else(|| WireError::ContentRange(shown(value)))
    }

    fn read(value: &[u8]) -> Option<Self> {
        let (unit, rest) = std::str::from_utf8(value).ok()?.trim().split_once(' ')?;
        let (range, length) = rest.trim_start().split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let range = ByteRange::new(of_a_file(first)?, of_a_file(last)?.checked_add(1)?).ok()?;
        let length = if length == "*" { None } else { Some(of_a_file(length)?) };
        let inside = range.end() <= length.unwrap_or(LONGEST_FILE);
        (unit.eq_ignore_ascii_case("bytes") && inside).then_some(Self { range, length })
    }
}

/// The length in the `Content-Range: bytes */length` of a 416.
pub fn unsatisfied_length(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    let (unit, rest) = value.trim().split_once(' ')?;
    of_a_file(rest.trim_start().strip_prefix("*/")?).filter(|_| unit.eq_ignore_ascii_case("bytes"))
}

/// Length of the whole file, as an answer about a part tells. Such answers are 206 and 416. Such answers are 206 and
/// 416.
pub fn complete_length(headers: &HeaderMap) -> Option<u64> {
    let told = headers.get(CONTENT_RANGE).and_then(|value| ContentRange::read(value.as_bytes()));
    told.and_then(|told| told.length).or_else(|| unsatisfied_length(headers))
}

impl fmt::Display for ContentRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.range.end() - 1;
        match self.length {
            Some(length) => write!(formatter, "bytes {}-{last}/{length}", self.range.start()),
            None => write!(formatter, "bytes {}-{last}/*", self.range.start()),
        }
    }
}

/// Value that a 416 carries for a file of `length` bytes.
pub fn unsatisfied(length: u64) -> String {
    format!("bytes */{length}")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_RANGE, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_content_range_is_read_strictly() {
        let good = |start, end, length| Some(ContentRange { range: ByteRange::new(start, end).unwrap(), length });
        for (value, expected) in [
            ("bytes 0-0/1", good(0, 1, Some(1))),
            ("bytes 0-9/10", good(0, 10, Some(10))),
            ("Bytes 5-9/10", good(5, 10, Some(10))),
            ("bytes 5-9/*", good(5, 10, None)),
            ("bytes  5-9/10", good(5, 10, Some(10))),
            ("bytes 9-5/10", None),
            ("bytes 0-10/10", None),
            ("bytes */10", None),
            ("bytes 0-9", None),
            ("bytes 0-/10", None),
            ("bytes -9/10", None),
            ("bytes +0-9/10", None),
            ("bytes 0x0-9/10", None),
            ("bytes 0-9/-10", None),
            ("bytes=0-9/10", None),
            ("0-9/10", None),
            ("octets 0-9/10", None),
            ("bytes 0-9/10, bytes 0-9/10", None),
            ("bytes 0-9223372036854775807/*", None),
            ("bytes 0-18446744073709551615/*", None),
            ("bytes 0-18446744073709551616/*", None),
            ("", None),
        ] {
            assert_eq!(ContentRange::parse(value.as_bytes()).ok(), expected, "{value:?}");
        }
    }

    #[test]
    fn the_length_in_a_416_is_read_or_absent() {
        for (value, expected) in [
            ("bytes */10", Some(10)),
            ("bytes */0", Some(0)),
            ("bytes 0-9/10", None),
            ("*/10", None),
            ("bytes */*", None),
        ] {
            assert_eq!(unsatisfied_length(&headers(value)), expected, "{value:?}");
        }
        assert_eq!(unsatisfied_length(&HeaderMap::new()), None);
    }

    proptest! {
        #[test]
        fn no_value_makes_a_reader_panic(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = ContentRange::parse(&value);
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                let _ = complete_length(&HeaderMap::from_iter([(CONTENT_RANGE, value)]));
            }
        }

    #[test]
    fn a_content_range_is_read_as_it_was_meant(start in 0..u64::MAX / 4, length in 1..u64::MAX / 8, rest in 0..u64::MAX / 8) {
        let (end, total) = (start + length, start + length + rest);
        let read = ContentRange::parse(format!("bytes {start}-{}/{total}", end - 1).as_bytes()).unwrap();
        prop_assert_eq!(read, ContentRange { range: ByteRange::new(start, end).unwrap(), length: Some(total) });
    }

        #[test]
        fn a_client_reads_what_a_server_writes(start in 0..u64::MAX / 4, length in 1..u64::MAX / 8, known: bool) {
            let (end, total) = (start + length, known.then_some(start + length));
            let told = ContentRange { range: ByteRange::new(start, end).unwrap(), length: total };
            prop_assert_eq!(ContentRange::parse(told.to_string().as_bytes()), Ok(told));
            prop_assert_eq!(complete_length(&headers(&unsatisfied(length))), Some(length));
        }
    }
}
