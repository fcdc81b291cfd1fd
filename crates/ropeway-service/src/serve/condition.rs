//! Conditional requests (RFC 9110 §13): whether to send, refuse, or say "you have it".

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, header};

/// How a conditional `GET` or `HEAD` goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Send what is asked for.
    Send,
    /// 304: the client has this version.
    NotModified,
    /// 412: the client wants another version than there is.
    Failed,
}

/// The validators of the version there is.
#[derive(Clone, Debug)]
pub(super) struct Current<'a> {
    /// Its entity tag, as it would be sent.
    pub(super) tag: &'a str,
    /// Its `Last-Modified`, in whole seconds.
    pub(super) modified: SystemTime,
    /// The time of the response.
    pub(super) now: SystemTime,
}

/// Applies the preconditions in the order of RFC 9110 §13.2.2.
pub(super) fn evaluate(headers: &HeaderMap, current: &Current<'_>) -> Outcome {
    if headers.contains_key(header::IF_MATCH) {
        if !lists(headers, &header::IF_MATCH, |listed| strongly_equal(listed, current.tag)) {
            return Outcome::Failed;
        }
    } else if date(headers, &header::IF_UNMODIFIED_SINCE).is_some_and(|since| current.modified > since) {
        return Outcome::Failed;
    }
    let has_it = if headers.contains_key(header::IF_NONE_MATCH) {
        lists(headers, &header::IF_NONE_MATCH, |listed| opaque(listed) == opaque(current.tag))
    } else {
        date(headers, &header::IF_MODIFIED_SINCE).is_some_and(|since| current.modified <= since)
    };
    if has_it { Outcome::NotModified } else { Outcome::Send }
}

/// Whether `If-Range` allows a part to be sent: yes without it, else only if it names this very version.
///
/// A date counts only if it is a strong validator, which takes a second between modification and response (§8.8.2.2).
pub(super) fn range_allowed(headers: &HeaderMap, current: &Current<'_>) -> bool {
    let Some(value) = headers.get(header::IF_RANGE) else { return true };
    let Ok(value) = value.to_str() else { return false };
    if value.contains('"') {
        return strongly_equal(value.trim(), current.tag);
    }
    httpdate::parse_http_date(value)
        .is_ok_and(|date| date == current.modified && date + Duration::from_secs(1) <= current.now)
}

/// Whether the header is `*` or lists a tag that `matches`.
pub(super) fn lists(headers: &HeaderMap, name: &HeaderName, matches: impl Fn(&str) -> bool) -> bool {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        // Our own tags hold no comma, so one that is cut in two by this matches nothing, as it should.
        value.trim() == "*" || value.split(',').map(str::trim).any(&matches)
    })
}

/// Whether both are the same strong tag (RFC 9110 §8.8.3.2).
pub(super) fn strongly_equal(one: &str, other: &str) -> bool {
    one == other && !one.starts_with("W/")
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    headers.get(name).and_then(|value| httpdate::parse_http_date(value.to_str().ok()?).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const DAY_BEFORE: &str = "Sat, 05 Nov 1994 08:49:37 GMT";
    const DAY_AFTER: &str = "Mon, 07 Nov 1994 08:49:37 GMT";

    fn modified() -> SystemTime {
        httpdate::parse_http_date(DAY).unwrap()
    }

    fn headers(fields: &[(HeaderName, &str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn preconditions_are_applied_in_order() {
        use Outcome::{Failed, NotModified, Send};
        use header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
        let now = modified() + Duration::from_secs(1_000_000);
        let current = Current { tag: "\"a\"", modified: modified(), now };
        for (fields, expected) in [
            (vec![], Send),
            (vec![(IF_NONE_MATCH, "\"a\"")], NotModified),
            (vec![(IF_NONE_MATCH, "W/\"a\"")], NotModified),
            (vec![(IF_NONE_MATCH, "\"b\", \"a\"")], NotModified),
            (vec![(IF_NONE_MATCH, "*")], NotModified),
            (vec![(IF_NONE_MATCH, "\"b\"")], Send),
            (vec![(IF_MODIFIED_SINCE, DAY)], NotModified),
            (vec![(IF_MODIFIED_SINCE, DAY_AFTER)], NotModified),
            (vec![(IF_MODIFIED_SINCE, DAY_BEFORE)], Send),
            (vec![(IF_MODIFIED_SINCE, "yesterday")], Send),
            (vec![(IF_NONE_MATCH, "\"b\""), (IF_MODIFIED_SINCE, DAY)], Send),
            (vec![(IF_MATCH, "\"a\"")], Send),
            (vec![(IF_MATCH, "*")], Send),
            (vec![(IF_MATCH, "W/\"a\"")], Failed),
            (vec![(IF_MATCH, "\"b\"")], Failed),
            (vec![(IF_UNMODIFIED_SINCE, DAY)], Send),
            (vec![(IF_UNMODIFIED_SINCE, DAY_BEFORE)], Failed),
            (vec![(IF_MATCH, "\"a\""), (IF_NONE_MATCH, "\"a\"")], NotModified),
        ] {
            assert_eq!(evaluate(&headers(&fields), &current), expected, "{fields:?}");
        }
    }

    #[test]
    fn a_part_is_sent_only_of_the_version_the_client_has() {
        let later = modified() + Duration::from_secs(1);
        for (tag, now, value, allowed) in [
            ("\"a\"", later, "\"a\"", true),
            ("\"a\"", later, "\"b\"", false),
            ("W/\"a\"", later, "W/\"a\"", false),
            ("\"a\"", later, "W/\"a\"", false),
            ("\"a\"", later, DAY, true),
            ("\"a\"", modified(), DAY, false),
            ("\"a\"", later, DAY_BEFORE, false),
            ("\"a\"", later, DAY_AFTER, false),
            ("\"a\"", later, "a", false),
            ("\"a\"", later, "", false),
        ] {
            let current = Current { tag, modified: modified(), now };
            let fields = headers(&[(header::IF_RANGE, value)]);
            assert_eq!(range_allowed(&fields, &current), allowed, "{value} against {tag}");
        }
        assert!(range_allowed(&HeaderMap::new(), &Current { tag: "\"a\"", modified: modified(), now: later }));
    }
}
