use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;

fn headers(fields: &[(HeaderName, &str)]) -> HeaderMap {
    fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
}

fn lengths(values: &[&str]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for value in values {
        map.append(CONTENT_LENGTH, HeaderValue::from_str(value).unwrap());
    }
    map
}

#[test]
fn a_range_is_written_with_its_last_byte() {
    for (start, end, value) in [(0, 1, "bytes=0-0"), (5, 10, "bytes=5-9"), (7, u64::MAX, "bytes=7-")] {
        assert_eq!(range(ByteRange::new(start, end).unwrap()), value);
    }
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
    for (value, expected) in
        [("bytes */10", Some(10)), ("bytes */0", Some(0)), ("bytes 0-9/10", None), ("*/10", None), ("bytes */*", None)]
    {
        assert_eq!(unsatisfied_length(&headers(&[(CONTENT_RANGE, value)])), expected, "{value:?}");
    }
    assert_eq!(unsatisfied_length(&HeaderMap::new()), None);
}

#[test]
fn a_content_length_is_digits_once_or_equal() {
    for (values, expected) in [
        (&[][..], Some(None)),
        (&["0"], Some(Some(0))),
        (&["42"], Some(Some(42))),
        (&["042"], Some(Some(42))),
        (&["42", "42"], Some(Some(42))),
        (&["42, 42"], Some(Some(42))),
        (&["42,42", "42"], Some(Some(42))),
        (&["9223372036854775807"], Some(Some(i64::MAX.unsigned_abs()))),
        (&["42", "43"], None),
        (&["42, 43"], None),
        (&["42,"], None),
        (&[""], None),
        (&["42s"], None),
        (&["4 2"], None),
        (&["-1"], None),
        (&["+1"], None),
        (&["0x20"], None),
        (&["1e3"], None),
        (&["1.0"], None),
        (&["9223372036854775808"], None),
        (&["18446744073709551621"], None),
        (&["99999999999999999999"], None),
    ] {
        assert_eq!(content_length(&lengths(values)).ok(), expected, "{values:?}");
    }
}

#[test]
fn a_transfer_coding_voids_the_content_length() {
    let both = headers(&[(CONTENT_LENGTH, "42"), (TRANSFER_ENCODING, "chunked")]);
    assert_eq!(content_length(&both), Ok(None));
}

#[test]
fn a_date_is_a_strong_validator_only_a_second_before_the_answer() {
    const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (date, strong) in [
        (Some("Sun, 06 Nov 1994 08:49:38 GMT"), true),
        (Some("Sun, 06 Nov 1994 08:49:37 GMT"), false),
        (Some("Sun, 06 Nov 1994 08:49:36 GMT"), false),
        (Some("now"), false),
        (None, false),
    ] {
        let mut fields = vec![(LAST_MODIFIED, MODIFIED)];
        fields.extend(date.map(|date| (DATE, date)));
        let read = validator(&headers(&fields), None);
        assert_eq!((read.last_modified.as_deref(), read.last_modified_is_strong), (Some(MODIFIED), strong), "{date:?}");
    }
    assert_eq!(validator(&headers(&[(LAST_MODIFIED, "yesterday")]), None).last_modified, None);
}

#[test]
fn a_retry_after_is_seconds_or_a_date_and_never_more_than_six_hours() {
    const DATE_OF_ANSWER: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    for (value, expected) in [
        ("0", seconds(0)),
        ("90", seconds(90)),
        (" 90 ", seconds(90)),
        ("1000000000", seconds(21_600)),
        ("99999999999999999999999", seconds(21_600)),
        ("Sun, 06 Nov 1994 08:50:37 GMT", seconds(60)),
        ("Sun, 06 Nov 1994 07:00:00 GMT", seconds(0)),
        ("Sat, 06 Nov 2094 08:49:37 GMT", seconds(21_600)),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
    ] {
        let fields = headers(&[(RETRY_AFTER, value), (DATE, DATE_OF_ANSWER)]);
        assert_eq!(retry_after(&fields), expected, "{value:?}");
    }
}

proptest! {
    #[test]
    fn no_value_makes_a_reader_panic(value in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = ContentRange::parse(&value);
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            let names = [CONTENT_LENGTH, CONTENT_RANGE, RETRY_AFTER, ETAG, LAST_MODIFIED, DATE];
            let map: HeaderMap = names.into_iter().map(|name| (name, value.clone())).collect();
            let _ = (content_length(&map), unsatisfied_length(&map), retry_after(&map));
            let _ = validator(&map, None);
        }
    }

    #[test]
    fn a_content_range_is_read_as_it_was_meant(start in 0..u64::MAX / 4, length in 1..u64::MAX / 8, rest in 0..u64::MAX / 8) {
        let (end, total) = (start + length, start + length + rest);
        let read = ContentRange::parse(format!("bytes {start}-{}/{total}", end - 1).as_bytes()).unwrap();
        prop_assert_eq!(read, ContentRange { range: ByteRange::new(start, end).unwrap(), length: Some(total) });
    }
}

#[test]
fn a_length_that_is_none_is_shown_within_reason() {
    let many = "9".repeat(100);
    for (value, shown) in [("1\t2", "12"), ("-1", "-1"), (&*many, &many[..60])] {
        let error = content_length(&lengths(&[value])).unwrap_err();
        assert_eq!(error, WireError::ContentLength(shown.to_owned()));
    }
}

#[test]
fn an_answer_names_the_coding_that_is_none_or_does_not() {
    for (fields, expected) in [
        (&[][..], false),
        (&[(TRANSFER_ENCODING, "identity")], true),
        (&[(TRANSFER_ENCODING, "chunked")], false),
        (&[(TRANSFER_ENCODING, "identity, chunked")], false),
    ] {
        assert_eq!(has_identity(&headers(fields)), expected, "{fields:?}");
    }
}
