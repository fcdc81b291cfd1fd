//! HTTP's own notations, and the only place where its inclusive ranges exist.

use std::time::{Duration, SystemTime};

use http::{
    HeaderMap, HeaderValue,
    header::{CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, LAST_MODIFIED, RETRY_AFTER, TRANSFER_ENCODING},
};
use ropeway_model::{ByteRange, EntityTag, Validator};

/// Longest delay by `Retry-After` that is obeyed; a server that says more is asked again after this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(6 * 60 * 60);
/// Files end before this offset on every system.
const LONGEST_FILE: u64 = i64::MAX as u64;

/// A header value that says nothing usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    #[error("its Content-Range '{0}' is malformed")]
    ContentRange(String),
    #[error("its Content-Length '{0}' is malformed")]
    ContentLength(String),
    #[error("it announces two different lengths")]
    TwoLengths,
}

/// The value of `Range` for `want` (RFC 9110 §14.2).
pub(super) fn range(want: ByteRange) -> HeaderValue {
    let text = if want.is_open_ended() {
        format!("bytes={}-", want.start())
    } else {
        format!("bytes={}-{}", want.start(), want.end() - 1)
    };
    HeaderValue::try_from(text).unwrap_or_else(|_| unreachable!("digits are a header value"))
}

/// The value of `Content-Range` in a 206 (RFC 9110 §14.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ContentRange {
    pub(super) range: ByteRange,
    /// Length of the whole file, unless the server leaves it open (`*`).
    pub(super) length: Option<u64>,
}

impl ContentRange {
    pub(super) fn parse(value: &[u8]) -> Result<Self, WireError> {
        Self::read(value).ok_or_else(|| WireError::ContentRange(shown(value)))
    }

    fn read(value: &[u8]) -> Option<Self> {
        let (unit, rest) = std::str::from_utf8(value).ok()?.trim().split_once(' ')?;
        let (range, length) = rest.trim_start().split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let range = ByteRange::new(number(first)?, number(last)?.checked_add(1)?).ok()?;
        let length = if length == "*" { None } else { Some(number(length)?) };
        let inside = range.end() <= length.unwrap_or(LONGEST_FILE);
        (unit.eq_ignore_ascii_case("bytes") && inside).then_some(Self { range, length })
    }
}

/// The length in the `Content-Range: bytes */length` of a 416.
pub(super) fn unsatisfied_length(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    let (unit, rest) = value.trim().split_once(' ')?;
    number(rest.trim_start().strip_prefix("*/")?).filter(|_| unit.eq_ignore_ascii_case("bytes"))
}

/// The length of the whole file, as an answer to a request for a part of it tells it: 206, or 416.
pub(crate) fn complete_length(headers: &HeaderMap) -> Option<u64> {
    let told = headers.get(CONTENT_RANGE).and_then(|value| ContentRange::read(value.as_bytes()));
    told.and_then(|told| told.length).or_else(|| unsatisfied_length(headers))
}

/// The transfer codings of an answer, in lower case and in the order in which they were applied (RFC 9112 §6.1). The
/// last one of most is `chunked`; `identity`, which old servers send, is none.
pub(super) fn transfer_codings(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(TRANSFER_ENCODING).iter();
    let codings = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let lower = codings.map(|coding| String::from_utf8_lossy(coding).trim().to_ascii_lowercase());
    lower.filter(|coding| !coding.is_empty() && coding != "identity").collect()
}

/// Whether the answer names the transfer coding that is none.
pub(super) fn has_identity(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING) && transfer_codings(headers).is_empty()
}

/// The length of the body as announced; `None` where its end is told otherwise.
///
/// Several equal values count as one (RFC 9110 §8.6). Anything but digits, and more than a file can hold, is an error.
pub(crate) fn content_length(headers: &HeaderMap) -> Result<Option<u64>, WireError> {
    if !transfer_codings(headers).is_empty() {
        return Ok(None);
    }
    let mut length = None;
    for value in headers.get_all(CONTENT_LENGTH) {
        for one in value.as_bytes().split(|byte| *byte == b',') {
            let told = std::str::from_utf8(one).ok().and_then(|text| number(text.trim()));
            let told = told.ok_or_else(|| WireError::ContentLength(shown(value.as_bytes())))?;
            if length.replace(told).is_some_and(|before| before != told) {
                return Err(WireError::TwoLengths);
            }
        }
    }
    Ok(length)
}

/// What the answer says of the file's version; `length` is that of the whole file.
pub(super) fn validator(headers: &HeaderMap, length: Option<u64>) -> Validator {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let date = |name| text(name).and_then(|text| httpdate::parse_http_date(text).ok());
    let modified = date(LAST_MODIFIED);
    // RFC 9110 §8.8.2.2: a date within the second of the answer may stand for two versions.
    let is_strong = |modified: SystemTime| {
        date(DATE).and_then(|date| date.duration_since(modified).ok()).is_some_and(|age| age >= Duration::from_secs(1))
    };
    Validator {
        entity_tag: text(ETAG).and_then(EntityTag::parse),
        last_modified: modified.and_then(|_| text(LAST_MODIFIED)).map(str::to_owned),
        last_modified_is_strong: modified.is_some_and(is_strong),
        length,
    }
}

/// The delay by `Retry-After`, in seconds or as a date (RFC 9110 §10.2.3), at most six hours.
///
/// A date counts from the answer's own `Date`, so that a wrong clock on either side does no harm; without one from
/// now. What is malformed says nothing.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are more seconds than the limit.
        let seconds = text.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let sent = headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    #[expect(clippy::disallowed_methods, reason = "a date on the wire can only be held against the wall clock")]
    let from = sent.unwrap_or_else(SystemTime::now);
    Some(until.duration_since(from).unwrap_or_default().min(LONGEST_RETRY_AFTER))
}

/// A number of bytes: digits only, within what a file can hold.
fn number(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| plain && *number <= LONGEST_FILE)
}

/// A foreign value for an error's text: printable, and not long.
fn shown(value: &[u8]) -> String {
    String::from_utf8_lossy(value).chars().filter(|character| !character.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests;
