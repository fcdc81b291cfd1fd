//! Conditional requests (RFC 9110 §13). A server sends, refuses, or says "you have it".

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, Method, header};

/// End of a conditional request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Do what is asked for.
    Proceed,
    /// 304: the client has this version.
    NotModified,
    /// 412: the client means another version than there is.
    Failed,
}

/// The validators of the version there is.
#[derive(Clone, Debug)]
pub struct Current<'a> {
    /// Its entity tag, as it would be sent.
    pub tag: &'a str,
    /// Its `Last-Modified`, in whole seconds.
    pub modified: SystemTime,
    /// The time of the response.
    pub now: SystemTime,
}

/// Applies the preconditions in the order of RFC 9110 §13.2.2. `current` is `None` where there is no such file.
pub fn evaluate(method: &Method, headers: &HeaderMap, current: Option<&Current<'_>>) -> Outcome {
    let is_met = if headers.contains_key(header::IF_MATCH) {
        current.is_some_and(|current| lists(headers, &header::IF_MATCH, |listed| strongly_equal(listed, current.tag)))
    } else {
        // What is not there has no date to compare (§13.1.4).
        let since = date(headers, &header::IF_UNMODIFIED_SINCE);
        since.zip(current).is_none_or(|(since, current)| current.modified <= since)
    };
    let Some(current) = current.filter(|_| is_met) else {
        return if is_met { Outcome::Proceed } else { Outcome::Failed };
    };
    let reads = method == Method::GET || method == Method::HEAD;
    let has_it = if headers.contains_key(header::IF_NONE_MATCH) {
        lists(headers, &header::IF_NONE_MATCH, |listed| opaque(listed) == opaque(current.tag))
    } else {
        // Of no meaning for other methods (§13.1.3).
        reads && date(headers, &header::IF_MODIFIED_SINCE).is_some_and(|since| current.modified <= since)
    };
    match has_it {
        false => Outcome::Proceed,
        true if reads => Outcome::NotModified,
        true => Outcome::Failed,
    }
}

/// Leave to send a part. Without `If-Range` it is given, else only if that names this very version.
///
/// A date counts only if it is a strong validator, which takes a second between modification and response (§8.8.2.2).
pub fn range_allowed(headers: &HeaderMap, current: &Current<'_>) -> bool {
    let Some(value) = headers.get(header::IF_RANGE) else { return true };
    let Ok(value) = value.to_str() else { return false };
    if value.contains('"') {
        return strongly_equal(value.trim(), current.tag);
    }
    httpdate::parse_http_date(value)
        .is_ok_and(|date| date == current.modified && date + Duration::from_secs(1) <= current.now)
}

/// Whether the header is `*` or lists a tag that `matches`.
fn lists(headers: &HeaderMap, name: &HeaderName, matches: impl Fn(&str) -> bool) -> bool {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        // Our own tags hold no comma, so one that is cut in two by this matches nothing, as it should.
        value.trim() == "*" || value.split(',').map(str::trim).any(&matches)
    })
}

/// Whether both are the same strong tag (RFC 9110 §8.8.3.2).
fn strongly_equal(one: &str, other: &str) -> bool {
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
    use crate::validator;

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
        use Outcome::{Failed, NotModified, Proceed};
        use header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
        let now = modified() + Duration::from_secs(1_000_000);
        let current = Current { tag: "\"a\"", modified: modified(), now };
        for (fields, expected) in [
            (vec![], Proceed),
            (vec![(IF_NONE_MATCH, "\"a\"")], NotModified),
            (vec![(IF_NONE_MATCH, "W/\"a\"")], NotModified),
            (vec![(IF_NONE_MATCH, "\"b\", \"a\"")], NotModified),
            (vec![(IF_NONE_MATCH, "*")], NotModified),
            (vec![(IF_NONE_MATCH, "\"b\"")], Proceed),
            (vec![(IF_MODIFIED_SINCE, DAY)], NotModified),
            (vec![(IF_MODIFIED_SINCE, DAY_AFTER)], NotModified),
            (vec![(IF_MODIFIED_SINCE, DAY_BEFORE)], Proceed),
            (vec![(IF_MODIFIED_SINCE, "yesterday")], Proceed),
            (vec![(IF_NONE_MATCH, "\"b\""), (IF_MODIFIED_SINCE, DAY)], Proceed),
            (vec![(IF_MATCH, "\"a\"")], Proceed),
            (vec![(IF_MATCH, "*")], Proceed),
            (vec![(IF_MATCH, "W/\"a\"")], Failed),
            (vec![(IF_MATCH, "\"b\"")], Failed),
            (vec![(IF_UNMODIFIED_SINCE, DAY)], Proceed),
            (vec![(IF_UNMODIFIED_SINCE, DAY_BEFORE)], Failed),
            (vec![(IF_MATCH, "\"a\""), (IF_NONE_MATCH, "\"a\"")], NotModified),
        ] {
            assert_eq!(evaluate(&Method::GET, &headers(&fields), Some(&current)), expected, "{fields:?}");
        }
    }

    #[test]
    fn what_changes_a_file_is_refused_where_a_read_would_have_it() {
        use Outcome::{Failed, Proceed};
        use header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
        let current = Current { tag: "\"a\"", modified: modified(), now: modified() };
        for (fields, there, absent) in [
            (vec![], Proceed, Proceed),
            (vec![(IF_MATCH, "\"a\"")], Proceed, Failed),
            (vec![(IF_MATCH, "*")], Proceed, Failed),
            (vec![(IF_MATCH, "\"b\"")], Failed, Failed),
            (vec![(IF_NONE_MATCH, "*")], Failed, Proceed),
            (vec![(IF_NONE_MATCH, "W/\"a\"")], Failed, Proceed),
            (vec![(IF_UNMODIFIED_SINCE, DAY_BEFORE)], Failed, Proceed),
            (vec![(IF_UNMODIFIED_SINCE, DAY)], Proceed, Proceed),
            (vec![(IF_MODIFIED_SINCE, DAY_AFTER)], Proceed, Proceed),
        ] {
            let fields = headers(&fields);
            assert_eq!(evaluate(&Method::PUT, &fields, Some(&current)), there, "{fields:?}");
            assert_eq!(evaluate(&Method::PUT, &fields, None), absent, "{fields:?}");
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

    #[test]
    fn a_client_names_a_version_just_where_a_server_takes_it() {
        for (tag, age, named) in [
            (Some("\"a\""), 0, true),
            (Some("W/\"a\""), 5, false),
            (None, 0, false),
            (None, 1, true),
            (None, 3_600, true),
        ] {
            let now = modified() + Duration::from_secs(age);
            let date = httpdate::fmt_http_date(now);
            let mut answer = headers(&[(header::LAST_MODIFIED, DAY), (header::DATE, &date)]);
            answer.extend(tag.map(|tag| (header::ETAG, tag.parse().unwrap())));
            let version = validator::of_answer(&answer, None);
            assert_eq!(version.if_range().is_some(), named, "{tag:?}, {age} s old");
            let current = Current { tag: tag.unwrap_or("\"other\""), modified: modified(), now };
            let asked = version.if_range().map(|value| headers(&[(header::IF_RANGE, value)]));
            assert!(asked.is_none_or(|asked| range_allowed(&asked, &current)), "{tag:?}, {age} s old");
        }
    }
}
