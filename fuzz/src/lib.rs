//! What each fuzz target does with its octets, and what must hold of the result whatever they are.

#[path = "../../crates/ropeway-drivers/src/http/content_disposition.rs"]
mod content_disposition;
#[path = "../../crates/ropeway-drivers/src/credential/cookies.rs"]
mod cookies;
#[path = "../../crates/ropeway-drivers/src/metalink/mod.rs"]
mod metalink;
#[path = "../../crates/ropeway-drivers/src/credential/netrc.rs"]
mod netrc;
#[expect(dead_code, reason = "only the readers are called")]
#[path = "../../crates/ropeway-drivers/src/http/wire.rs"]
mod wire;

use std::time::Duration;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, LAST_MODIFIED, RETRY_AFTER},
};
use ropeway_model::FileName;
use url::Url;

/// Longest name that a file gets, in octets.
const LONGEST_NAME: usize = 255;

/// A name that is safe to create in a folder: it names one file in it, on every system.
fn assert_safe(name: &FileName) {
    let name = name.as_str();
    assert!(!name.is_empty() && name.len() <= LONGEST_NAME, "{name:?} has {} octets", name.len());
    assert!(name != "." && name != ".." && !name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|']), "{name:?}");
    assert!(!name.chars().any(char::is_control), "{name:?}");
    assert!(!name.starts_with(['-', '~', ' ']) && !name.ends_with(['.', ' ']), "{name:?}");
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    assert!(!["con", "prn", "aux", "nul", "conin$", "conout$", "com1", "lpt9"].contains(&stem.as_str()), "{name:?}");
    assert!(name.parse::<FileName>().is_ok(), "{name:?} is refused as it stands");
}

fn headers(name: HeaderName, octets: &[u8]) -> Option<HeaderMap> {
    let value = HeaderValue::from_bytes(octets).ok()?;
    Some(HeaderMap::from_iter([(name, value)]))
}

/// A `Content-Disposition` gives a safe name or none.
pub fn content_disposition(octets: &[u8]) {
    if let Some(name) = content_disposition::file_name(octets) {
        assert_safe(&name);
    }
}

/// A `Content-Range` describes bytes inside a file; lengths are numbers that a file can have.
pub fn content_range(octets: &[u8]) {
    if let Ok(told) = wire::ContentRange::parse(octets) {
        assert!(told.range.start() < told.range.end() && told.range.end() <= told.length.unwrap_or(i64::MAX as u64));
    }
    for name in [CONTENT_RANGE, CONTENT_LENGTH] {
        let Some(headers) = headers(name, octets) else { continue };
        let lengths = [wire::unsatisfied_length(&headers), wire::content_length(&headers).ok().flatten()];
        assert!(lengths.into_iter().flatten().all(|length| length <= i64::MAX as u64));
    }
    for name in [ETAG, LAST_MODIFIED] {
        let Some(headers) = headers(name, octets) else { continue };
        let valid = wire::validator(&headers, None);
        assert_ne!(valid.compare(&valid), ropeway_model::Validation::Changed, "a version is itself");
        assert!(valid.if_range().is_none_or(|value| HeaderValue::from_str(value).is_ok()));
    }
}

/// A `Retry-After` is a bounded delay; its first line is the value, a second one the answer's `Date`.
pub fn retry_after(octets: &[u8]) {
    let mut lines = octets.splitn(2, |octet| *octet == b'\n');
    let Some(mut headers) = headers(RETRY_AFTER, lines.next().unwrap_or_default()) else { return };
    if let Some(date) = lines.next().and_then(|date| HeaderValue::from_bytes(date).ok()) {
        headers.insert(DATE, date);
    }
    assert!(wire::retry_after(&headers).is_none_or(|delay| delay <= Duration::from_secs(6 * 60 * 60)));
}

/// A cookie file gives headers that are headers, and no secure cookie without encryption.
pub fn cookies(octets: &[u8]) {
    let Ok(jar) = cookies::Jar::parse(octets) else { return };
    assert!(jar.len() <= octets.len());
    for address in ["http://example.org/in/f", "https://www.example.org/", "http://127.0.0.1/", "https://[::1]/f"] {
        let Ok(url) = Url::parse(address) else { continue };
        let Some(host) = url.host() else { continue };
        let mut requested = cookies::Requested { host, path: url.path(), secure: true, now: 1_700_000_000 };
        let encrypted = cookies::header(&[], jar.chosen(&requested)).unwrap_or_default();
        assert!(encrypted.len() <= 8190 && HeaderValue::from_bytes(&encrypted).is_ok());
        requested.secure = false;
        let plain = cookies::header(&[], jar.chosen(&requested)).unwrap_or_default();
        assert!(plain.len() <= 8190 && HeaderValue::from_bytes(&plain).is_ok());
    }
}

/// A Metalink gives safe names and addresses that can be downloaded from.
pub fn metalink(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else { return };
    let Ok(files) = metalink::parse(text) else { return };
    assert!(!files.is_empty());
    for file in files {
        assert_safe(&file.name);
        file.folders.iter().for_each(assert_safe);
        assert!(!file.urls.is_empty());
        assert!(file.urls.iter().all(|url| matches!(url.expose().scheme(), "http" | "https")));
        if let (Some(pieces), Some(size)) = (&file.pieces, file.size) {
            let last = pieces.digests.len().saturating_sub(1);
            assert!(pieces.range(last, size).is_none_or(|range| range.end() == size));
        }
    }
    assert!(metalink::is_media_type("application/metalink4+xml"));
}

/// Whatever a server or an address says, the name is safe.
pub fn file_name(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let name = FileName::sanitized(&text);
    assert_safe(&name);
    assert_safe(&name.numbered(7));
    if let Ok(url) = Url::parse("http://example.org/").and_then(|base| base.join(&text)) {
        assert_safe(&FileName::from_url(&url));
    }
}

/// A `.netrc` gives a login of its own words, or says on which line it is broken.
pub fn netrc(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    match netrc::Netrc::parse(&text) {
        Ok(netrc) => {
            for (host, user) in [("example.org", None), ("example.org", Some("ann")), ("127.0.0.1", None)] {
                let Some(login) = netrc.login(host, user) else { continue };
                assert!(user.is_none_or(|user| login.user == user));
                assert!(login.user.len() + login.password.len() <= text.len() + 3);
            }
        }
        Err(error) => assert!(error.to_string().starts_with("line ")),
    }
}
