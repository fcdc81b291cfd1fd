//! `Transfer-Encoding` (RFC 9112 §6.1): how the end of a body is told.

use http::{HeaderMap, header::TRANSFER_ENCODING};

/// Codings of a message, as they were applied (RFC 9112 §6.1). They are in lower case. The last one of most is
/// `chunked`; `identity`, which old servers send, is none.
pub fn named(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(TRANSFER_ENCODING).iter();
    let codings = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let lower = codings.map(|coding| String::from_utf8_lossy(coding).trim().to_ascii_lowercase());
    lower.filter(|coding| !coding.is_empty() && coding != "identity").collect()
}

/// True where a message names the coding that is none alone.
pub fn has_identity(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING) && named(headers).is_empty()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(fields: &[(HeaderName, &str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
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
}
