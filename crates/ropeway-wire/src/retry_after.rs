//! `Retry-After` (RFC 9110 §10.2.3). It tells for how long to leave a server alone, in seconds or as a date.

use std::time::{Duration, SystemTime};

use http::{
    HeaderMap,
    header::{DATE, RETRY_AFTER},
};

/// Longest delay that is obeyed. A server that says more is asked again after this.
pub const LONGEST: Duration = Duration::from_secs(6 * 60 * 60);

/// Delay that an answer asks for, at most six hours.
///
/// A date counts from the answer's own `Date`, so that a wrong clock on either side does no harm; without one from
/// `now`. What is malformed says nothing.
pub fn delay(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are more seconds than the limit.
        let seconds = text.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(LONGEST));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let sent = headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let from = sent.unwrap_or(now);
    Some(until.duration_since(from).unwrap_or_default().min(LONGEST))
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
            assert_eq!(delay(&fields, SystemTime::UNIX_EPOCH), expected, "{value:?}");
        }
    }

    #[test]
    fn a_date_counts_from_now_where_the_answer_has_none() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let fields = headers(&[(RETRY_AFTER, "Sun, 06 Nov 1994 08:50:37 GMT")]);
        assert_eq!(delay(&fields, now), Some(Duration::from_secs(60)));
    }

    proptest! {
        #[test]
        fn no_value_makes_a_reader_panic(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                let map = [RETRY_AFTER, DATE].into_iter().map(|name| (name, value.clone())).collect();
                prop_assert!(delay(&map, SystemTime::UNIX_EPOCH).is_none_or(|delay| delay <= LONGEST));
            }
        }
    }
}
