//! `ETag` and `Last-Modified` (RFC 9110 §8.8). They tell which version of a file an answer is of.

use std::time::{Duration, SystemTime};

use http::{
    HeaderMap,
    header::{DATE, ETAG, LAST_MODIFIED},
};
use ropeway_model::{EntityTag, Validator};

/// Version of the file that an answer is of. `length` is that of the whole file.
pub fn of_answer(headers: &HeaderMap, length: Option<u64>) -> Validator {
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

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn headers(fields: &[(HeaderName, &str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
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
            let read = of_answer(&headers(&fields), None);
            assert_eq!(
                (read.last_modified.as_deref(), read.last_modified_is_strong),
                (Some(MODIFIED), strong),
                "{date:?}"
            );
        }
        assert_eq!(of_answer(&headers(&[(LAST_MODIFIED, "yesterday")]), None).last_modified, None);
    }

    proptest! {
        #[test]
        fn no_value_makes_a_reader_panic(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                let _ = of_answer(&[ETAG, LAST_MODIFIED, DATE].into_iter().map(|name| (name, value.clone())).collect(), None);
            }
        }
    }
}
