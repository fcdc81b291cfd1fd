//! Cookies that servers set while a job lasts (RFC 6265bis). They are in memory, for one job, and gone with it.

use std::fmt;

use http::{HeaderMap, header::SET_COOKIE};
use parking_lot::Mutex;
use url::{Host, Url};

use super::{
    cookies::{Cookie, Requested, is_public_suffix},
    date,
};

/// Cookies of one job. A browser keeps 180 of a site; a download needs a handful.
const MOST_KEPT: usize = 100;
/// Longest attribute that counts (RFC 6265bis §5.6).
const LONGEST_ATTRIBUTE: usize = 1024;

/// The cookies that servers have set for one job.
#[derive(Default)]
pub struct CookieJar(Mutex<State>);

#[derive(Default)]
struct State {
    /// The one set last behind all others.
    cookies: Vec<Cookie>,
    changes: u64,
}

impl CookieJar {
    /// True where no server has set any.
    pub fn is_empty(&self) -> bool {
        self.0.lock().cookies.is_empty()
    }

    /// Number of changes of its content.
    pub(crate) fn changes(&self) -> u64 {
        self.0.lock().changes
    }

    /// Takes what the answer from `url` sets, as far as it may.
    pub(crate) fn take(&self, url: &Url, headers: &HeaderMap, now: i64) {
        let set = headers.get_all(SET_COOKIE).iter().filter_map(|value| read(value.as_bytes(), url, now));
        for cookie in set {
            self.0.lock().set(cookie, url.scheme() == "https", now);
        }
    }

    /// The cookies that a request carries.
    pub(super) fn chosen(&self, requested: &Requested<'_>) -> Vec<Cookie> {
        let state = self.0.lock();
        state.cookies.iter().filter(|cookie| cookie.goes_to(requested)).cloned().collect()
    }
}

impl fmt::Debug for CookieJar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CookieJar")
    }
}

impl State {
    fn set(&mut self, cookie: Cookie, is_encrypted: bool, now: i64) {
        let is_same = |had: &Cookie| {
            had.name == cookie.name
                && had.domain == cookie.domain
                && had.below == cookie.below
                && had.path == cookie.path
        };
        // Who reads and writes an unencrypted line must not replace what was set on an encrypted one.
        if !is_encrypted
            && self.cookies.iter().any(|had| had.secure && had.name == cookie.name && reaches(had, &cookie))
        {
            return;
        }
        let had = self.cookies.iter().position(is_same).map(|at| self.cookies.remove(at));
        let is_alive = cookie.expires.is_none_or(|expires| expires > now);
        let is_unchanged = match &had {
            Some(had) => is_alive && had.value == cookie.value,
            None => !is_alive,
        };
        self.changes += u64::from(!is_unchanged);
        if is_alive {
            if self.cookies.len() >= MOST_KEPT {
                self.cookies.remove(0);
            }
            self.cookies.push(cookie);
        }
    }
}

/// Whether the two may be sent in one request.
fn reaches(one: &Cookie, other: &Cookie) -> bool {
    let covers = |wide: &Cookie, narrow: &Cookie| match &narrow.domain {
        Host::Domain(name) => wide.covers_host(&Host::Domain(name.as_str())),
        Host::Ipv4(address) => wide.covers_host(&Host::Ipv4(*address)),
        Host::Ipv6(address) => wide.covers_host(&Host::Ipv6(*address)),
    };
    covers(one, other) || covers(other, one)
}

/// The cookie of one `Set-Cookie` field; `None` for one that no browser would take.
fn read(field: &[u8], url: &Url, now: i64) -> Option<Cookie> {
    if field.iter().any(|byte| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f) {
        return None;
    }
    let mut parts = field.split(|byte| *byte == b';');
    let (name, value) = pair(parts.next()?);
    let host = url.host()?.to_owned();
    let is_encrypted = url.scheme() == "https";
    let mut cookie = Cookie {
        domain: host,
        below: false,
        path: default_path(url.path()),
        // What came encrypted goes nowhere else, whatever it says of itself.
        secure: is_encrypted,
        expires: None,
        name: name.unwrap_or_default().into(),
        value: value.into(),
    };
    let (mut max_age, mut expires, mut says_secure) = (None, None, false);
    for part in parts {
        let (name, value) = match pair(part) {
            (Some(name), value) => (name, value),
            (None, name) => (name, b"".as_slice()),
        };
        if value.len() > LONGEST_ATTRIBUTE {
            continue;
        }
        match name.to_ascii_lowercase().as_slice() {
            b"domain" => (cookie.domain, cookie.below) = domain(value, url)?,
            b"path" => cookie.path = if value.starts_with(b"/") { value.into() } else { default_path(url.path()) },
            b"secure" => says_secure = true,
            b"max-age" => max_age = age(value).or(max_age),
            b"expires" => expires = std::str::from_utf8(value).ok().and_then(date::parse).or(expires),
            _ => {}
        }
    }
    // RFC 6265bis §5.7, step 8.
    if says_secure && !is_encrypted {
        return None;
    }
    cookie.expires = max_age.map(|age| now.saturating_add(age)).or(expires);
    let is_acceptable = cookie.is_acceptable() && (says_secure || !has_prefix(&cookie.name));
    is_acceptable.then_some(cookie)
}

/// Whether the name promises that the cookie says `Secure`.
fn has_prefix(name: &[u8]) -> bool {
    [b"__secure-".as_slice(), b"__host-"].iter().any(|prefix| name.to_ascii_lowercase().starts_with(prefix))
}

/// `name=value` in two; without a `=` it is a value.
fn pair(part: &[u8]) -> (Option<&[u8]>, &[u8]) {
    match part.iter().position(|byte| *byte == b'=') {
        Some(at) => {
            let (name, value) = part.split_at(at);
            (Some(name.trim_ascii()), value.get(1..).unwrap_or_default().trim_ascii())
        }
        None => (None, part.trim_ascii()),
    }
}

/// Whom the cookie is for by its attribute; `None` where the server has no say over it.
fn domain(value: &[u8], url: &Url) -> Option<(Host, bool)> {
    let host = url.host()?.to_owned();
    let text = std::str::from_utf8(value.strip_prefix(b".").unwrap_or(value)).ok()?;
    if text.is_empty() {
        return Some((host, false));
    }
    let named = Host::parse(text).ok()?;
    let (Host::Domain(own), Host::Domain(name)) = (&host, &named) else {
        return (host == named).then_some((host, false));
    };
    if is_public_suffix(name) {
        return (own == name).then_some((host, false));
    }
    let is_above = own == name || own.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with('.'));
    is_above.then_some((named, true))
}

/// The folder of a path (RFC 6265bis §5.1.4).
fn default_path(path: &str) -> Box<[u8]> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    if folder.is_empty() { b"/".as_slice().into() } else { folder.as_bytes().into() }
}

/// Seconds of `Max-Age`; at most 400 days (RFC 6265bis §5.5).
fn age(value: &[u8]) -> Option<i64> {
    const LONGEST: i64 = 400 * 24 * 3600;
    let text = std::str::from_utf8(value).ok()?;
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than fit are more than the longest, or long ago.
    let far = if text.starts_with('-') { 0 } else { LONGEST };
    is_number.then(|| text.parse::<i64>().unwrap_or(far).clamp(0, LONGEST))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::{super::cookies::header, *};

    const NOW: i64 = 1_700_000_000;

    fn take(jar: &CookieJar, url: &str, fields: &[&str]) {
        let fields = fields.iter().map(|field| (SET_COOKIE, HeaderValue::from_bytes(field.as_bytes()).unwrap()));
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, value);
        }
        jar.take(&Url::parse(url).unwrap(), &headers, NOW);
    }

    fn sent(jar: &CookieJar, url: &str) -> String {
        let url = Url::parse(url).unwrap();
        let requested =
            Requested { host: url.host().unwrap(), path: url.path(), secure: url.scheme() == "https", now: NOW };
        String::from_utf8(header(b"", jar.chosen(&requested).iter()).unwrap_or_default()).unwrap()
    }

    #[test]
    fn a_cookie_goes_where_its_server_may_send_it_and_nowhere_else() {
        for (from, field, to, expected) in [
            ("https://a.example.org/x/y", "n=v", "https://a.example.org/x/z", "n=v"),
            ("https://a.example.org/x/y", "n=v", "https://a.example.org/", ""),
            ("https://a.example.org/x/y", "n=v; Path=/", "https://a.example.org/", "n=v"),
            ("https://a.example.org/", "n=v", "https://b.example.org/", ""),
            ("https://a.example.org/", "n=v", "https://a.example.org:8443/", "n=v"),
            ("https://a.example.org/", "n=v", "http://a.example.org/", ""),
            ("https://a.example.org/", "n=v; Domain=example.org", "https://b.example.org/", "n=v"),
            ("https://a.example.org/", "n=v; domain=.EXAMPLE.org", "https://b.example.org/", "n=v"),
            ("https://a.example.org/", "n=v; Domain=other.org", "https://other.org/", ""),
            ("https://a.example.org/", "n=v; Domain=b.example.org", "https://b.example.org/", ""),
            ("https://evil.co.uk/", "n=v; Domain=co.uk", "https://bank.co.uk/", ""),
            ("https://evil.github.io/", "n=v; Domain=github.io", "https://other.github.io/", ""),
            ("https://a.example.org/", "n=v; Domain=org", "https://example.org/", ""),
            ("http://localhost/", "n=v; Domain=localhost", "http://localhost/", "n=v"),
            ("http://127.0.0.1/", "n=v; Domain=127.0.0.1", "http://127.0.0.1/", "n=v"),
            ("http://127.0.0.1/", "n=v; Domain=0.0.1", "http://127.0.0.1/", ""),
            ("http://a.example.org/", "n=v; Secure", "https://a.example.org/", ""),
            ("https://a.example.org/", "__Host-n=v; Secure; Path=/", "https://a.example.org/", "__Host-n=v"),
            ("https://a.example.org/", "__Host-n=v; Path=/", "https://a.example.org/", ""),
            ("https://a.example.org/", "__Host-n=v; Secure; Path=/; Domain=example.org", "https://a.example.org/", ""),
            ("https://a.example.org/", "n=v; Max-Age=0", "https://a.example.org/", ""),
            ("https://a.example.org/", "n=v; Expires=Wed, 09-Jun-2021 10:18:14 GMT", "https://a.example.org/", ""),
            ("https://a.example.org/", "n=v; Expires=Wed, 09 Jun 2100 10:18:14 GMT", "https://a.example.org/", "n=v"),
            ("https://a.example.org/", "n=v; Path=/x; Path=/", "https://a.example.org/", "n=v"),
            ("https://a.example.org/", "=", "https://a.example.org/", ""),
            ("https://a.example.org/", "n=a=b; HttpOnly; SameSite=Lax", "https://a.example.org/", "n=a=b"),
        ] {
            let jar = CookieJar::default();
            take(&jar, from, &[field]);
            assert_eq!(sent(&jar, to), expected, "{field} from {from} to {to}");
        }
    }

    #[test]
    fn only_what_is_new_counts_as_a_change() {
        let jar = CookieJar::default();
        let changes = |fields: &[&str]| {
            let before = jar.changes();
            take(&jar, "https://a.example/", fields);
            jar.changes() - before
        };
        assert_eq!(changes(&["a=1", "b=2"]), 2);
        assert_eq!(changes(&["a=1", "c=; Max-Age=0"]), 0);
        assert_eq!(changes(&["a=2"]), 1);
        assert_eq!(changes(&["a=2; Max-Age=0"]), 1);
        assert_eq!(sent(&jar, "https://a.example/"), "b=2");
    }

    #[test]
    fn an_unencrypted_server_replaces_nothing_of_an_encrypted_one_and_none_fills_the_memory() {
        let jar = CookieJar::default();
        take(&jar, "https://a.example.org/", &["n=good; Domain=example.org"]);
        take(&jar, "http://a.example.org/", &["n=bad", "n=bad; Domain=example.org"]);
        assert_eq!(sent(&jar, "https://a.example.org/"), "n=good");
        let many: Vec<String> = (0..1_000).map(|number| format!("n{number}=v")).collect();
        take(&jar, "https://b.example/", &many.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(jar.0.lock().cookies.len(), MOST_KEPT);
        take(&jar, "https://b.example/", &[&format!("long={}", "x".repeat(5_000))]);
        assert!(!sent(&jar, "https://b.example/").contains("long"));
    }

    #[test]
    fn an_unencrypted_server_sets_and_replaces_what_is_its_own() {
        let jar = CookieJar::default();
        take(&jar, "https://a.example.org/", &["safe=1; Secure"]);
        take(&jar, "http://a.example.org/", &["other=1"]);
        take(&jar, "http://a.example.org/", &["other=2"]);
        assert_eq!(sent(&jar, "http://a.example.org/"), "other=2");
        assert_eq!(sent(&jar, "https://a.example.org/"), "safe=1; other=2");
    }

    #[test]
    fn an_attribute_counts_up_to_1024_octets() {
        for (length, is_sent) in [(LONGEST_ATTRIBUTE, false), (LONGEST_ATTRIBUTE + 1, true)] {
            let jar = CookieJar::default();
            take(&jar, "https://a.example.org/", &[&format!("n=v; Path=/{}", "x".repeat(length - 1))]);
            assert_eq!(sent(&jar, "https://a.example.org/"), if is_sent { "n=v" } else { "" }, "{length}");
        }
    }

    #[test]
    fn an_age_is_at_most_400_days() {
        for (text, seconds) in [
            ("60", Some(60)),
            ("34559999", Some(34_559_999)),
            ("34560001", Some(34_560_000)),
            ("99999999999999999999", Some(34_560_000)),
            ("-1", Some(0)),
            ("-99999999999999999999", Some(0)),
            ("", None),
            ("1h", None),
        ] {
            assert_eq!(age(text.as_bytes()), seconds, "{text}");
        }
    }
}
