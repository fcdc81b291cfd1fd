//! `Content-Length` (RFC 9110 §8.6): how long a body is.

use http::{HeaderMap, header::CONTENT_LENGTH};

use crate::{WireError, number::of_a_file, shown, transfer_coding};

/// Length of the body as announced. `None` where its end is told otherwise.
///
/// Several equal values count as one (RFC 9110 §8.6). Anything but digits, and more than a file can hold, is an error.
///
/// # Errors
/// [`WireError::ContentLength`] and [`WireError::TwoLengths`].
pub fn announced(headers: &HeaderMap) -> Result<Option<u64>, WireError> {
    if !transfer_coding::named(headers).is_empty() {
        return Ok(None);
    }
    let mut length = None;
    for value in headers.get_all(CONTENT_LENGTH) {
        for one in value.as_bytes().split(|byte| *byte == b',') {
            let told = std::str::from_utf8(one).ok().and_then(|text| of_a_file(text.trim()));
            let told = told.ok_or_else(|| WireError::ContentLength(shown(value.as_bytes())))?;
            if length.replace(told).is_some_and(|before| before != told) {
                return Err(WireError::TwoLengths);
            }
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue, header::TRANSFER_ENCODING};

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
            assert_eq!(announced(&lengths(values)).ok(), expected, "{values:?}");
        }
    }

    #[test]
    fn a_transfer_coding_voids_the_content_length() {
        let both = headers(&[(CONTENT_LENGTH, "42"), (TRANSFER_ENCODING, "chunked")]);
        assert_eq!(announced(&both), Ok(None));
    }

    #[test]
    fn a_length_that_is_none_is_shown_within_reason() {
        let many = "9".repeat(100);
        for (value, shown) in [("1\t2", "12"), ("-1", "-1"), (&*many, &many[..60])] {
            let error = announced(&lengths(&[value])).unwrap_err();
            assert_eq!(error, WireError::ContentLength(shown.to_owned()));
        }
    }
}
