//! What each fuzz target does with its octets, and what must hold of the result whatever they are.

#[path = "../../crates/ropeway-drivers/src/credential/cookies.rs"]
mod cookies;
#[path = "../../crates/ropeway-api/src/calls/curl/mod.rs"]
mod curl;
#[path = "../../crates/ropeway-drivers/src/credential/date.rs"]
mod date;
#[path = "../../crates/ropeway-api/src/error.rs"]
mod error;
#[path = "../../crates/ropeway-drivers/src/credential/jar.rs"]
mod jar;
#[path = "../../crates/ropeway-api/src/calls/list.rs"]
mod list;
#[path = "../../crates/ropeway-drivers/src/metalink/mod.rs"]
mod metalink;
#[path = "../../crates/ropeway-drivers/src/credential/netrc.rs"]
mod netrc;
#[expect(dead_code, reason = "only their shape is needed")]
#[path = "../../crates/ropeway-api/src/settings.rs"]
pub mod settings;
#[path = "../../crates/ropeway-api/src/settings_file/text.rs"]
mod settings_file_text;

use std::{path::Path, time::SystemTime};

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, LAST_MODIFIED, RETRY_AFTER, SET_COOKIE},
};
use ropeway_model::FileName;
use ropeway_wire::{
    content_disposition, content_length,
    content_range::{self, ContentRange},
    digest_field::{self, CONTENT_MD5, DIGEST, REPR_DIGEST},
    range::Wanted,
    retry_after, validator,
};
use serde_json::{Map, Value as Json};
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
    if let Ok(told) = ContentRange::parse(octets) {
        assert!(told.range.start() < told.range.end() && told.range.end() <= told.length.unwrap_or(i64::MAX as u64));
    }
    for name in [CONTENT_RANGE, CONTENT_LENGTH] {
        let Some(headers) = headers(name, octets) else { continue };
        let lengths = [content_range::unsatisfied_length(&headers), content_length::announced(&headers).ok().flatten()];
        assert!(lengths.into_iter().flatten().all(|length| length <= i64::MAX as u64));
    }
    for name in [ETAG, LAST_MODIFIED] {
        let Some(headers) = headers(name, octets) else { continue };
        let valid = validator::of_answer(&headers, None);
        assert_ne!(valid.compare(&valid), ropeway_model::Validation::Changed, "a version is itself");
        assert!(valid.if_range().is_none_or(|value| HeaderValue::from_str(value).is_ok()));
    }
}

/// A `Range` asks for bytes inside the file, whatever its length.
pub fn range(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    for length in [0, 1, 1_000, i64::MAX as u64] {
        if let Wanted::Part(range) = Wanted::of(&text, length) {
            assert!(range.start() < range.end() && range.end() <= length);
        }
    }
}

/// A digest is told as it was read.
pub fn digest_field(octets: &[u8]) {
    for field in [REPR_DIGEST, DIGEST, CONTENT_MD5] {
        let Some(headers) = headers(HeaderName::from_static(field.name()), octets) else { continue };
        for digest in field.told(&headers).into_iter().flatten() {
            let mut told = HeaderMap::new();
            digest_field::tell(&mut told, &digest);
            assert_eq!(REPR_DIGEST.told(&told), [Some(digest)]);
        }
    }
}

/// A `Retry-After` is a bounded delay; its first line is the value, a second one the answer's `Date`.
pub fn retry_after(octets: &[u8]) {
    let mut lines = octets.splitn(2, |octet| *octet == b'\n');
    let Some(mut headers) = headers(RETRY_AFTER, lines.next().unwrap_or_default()) else { return };
    if let Some(date) = lines.next().and_then(|date| HeaderValue::from_bytes(date).ok()) {
        headers.insert(DATE, date);
    }
    assert!(retry_after::delay(&headers, SystemTime::UNIX_EPOCH).is_none_or(|delay| delay <= retry_after::LONGEST));
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

/// Cookies that servers set go back to them alone, those of an encrypted line encrypted, and never fill the memory. Each
/// line is a `Set-Cookie` of one of three servers by turns.
pub fn set_cookie(octets: &[u8]) {
    const NOW: i64 = 1_700_000_000;
    const MOST_KEPT: usize = 100;
    let servers = ["https://a.example.org/in/f", "http://a.example.org/in/f", "https://b.example.co.uk/"];
    let servers = servers.map(|url| Url::parse(url).expect("a constant that is an address"));
    let jar = jar::CookieJar::default();
    for (line, url) in octets.split(|octet| *octet == b'\n').zip(servers.iter().cycle()) {
        let Some(headers) = headers(SET_COOKIE, line) else { continue };
        let before = jar.changes();
        jar.take(url, &headers, NOW);
        let after = jar.changes();
        jar.take(url, &headers, NOW);
        assert!(after - before <= 1 && jar.changes() == after, "the same once more changes nothing");
    }
    let sent = |address: &str, now: i64| {
        let url = Url::parse(address).expect("a constant that is an address");
        let host = url.host().expect("a constant that has a host");
        let requested = cookies::Requested { host, path: url.path(), secure: url.scheme() == "https", now };
        let chosen = jar.chosen(&requested);
        assert!(chosen.len() <= MOST_KEPT);
        let header = cookies::header(&[], chosen.iter()).unwrap_or_default();
        assert!(header.len() <= 8190 && HeaderValue::from_bytes(&header).is_ok());
        header
    };
    for own in ["https://a.example.org/in/f", "https://example.org/", "http://a.example.org/", "https://example.co.uk/"]
    {
        sent(own, NOW);
        assert!(sent(own, NOW + 401 * 24 * 3600).len() <= sent(own, NOW).len(), "a cookie comes with no time");
    }
    for other in
        ["https://org/", "https://co.uk/", "https://other.org/", "https://notexample.org/", "https://127.0.0.1/"]
    {
        assert!(sent(other, NOW).is_empty(), "{other} gets a cookie of another server");
    }
    assert!(jar.is_empty() || jar.changes() > 0);
}

/// Every line of a list becomes an entry with an address and a place in the folder, or is refused by name.
pub fn address_list(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let entries: Vec<_> = list::entries(&text).collect();
    assert!(entries.len() <= text.lines().count());
    for entry in entries {
        match entry {
            Ok(entry) => assert_entry(&entry),
            Err(bad) => assert!(!bad.reason.is_empty()),
        }
    }
    let cleaned = list::cleaned(&text);
    assert!(cleaned.len() <= text.len());
}

/// Pasted curl commands become entries with an address each, which ask for whole files, or are refused.
pub fn curl_command(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    if !curl::is_command(&text) {
        return;
    }
    let Ok(entries) = curl::parse(&text) else { return };
    for entry in entries {
        assert_entry(&entry);
        let [address] = entry.addresses.as_slice() else { panic!("an address each: {:?}", entry.addresses) };
        assert!(address.contains("://") && !address.contains(['\r', '\n']), "{address:?}");
        assert!(entry.name.as_deref().is_none_or(|name| !name.is_empty() && !name.contains(['/', '\\'])), "{entry:?}");
        for header in &entry.headers {
            let name = header.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
            assert!(!["range", "if-range", "accept-encoding"].contains(&name.as_str()), "{header:?}");
        }
    }
}

/// An entry has an address, and a place that does not lead out of the folder unless it says plainly where to.
fn assert_entry(entry: &list::Entry) {
    assert!(entry.addresses.first().is_some_and(|address| !address.is_empty()), "{entry:?}");
    let folder = Path::new("/folder");
    let Ok((into, name)) = entry.place(folder) else { return };
    let leads_elsewhere = entry.folder.as_deref().is_some_and(|own| Path::new(own).is_absolute());
    assert!(leads_elsewhere || into.starts_with(folder), "{}", into.display());
    assert!(!into.components().any(|part| part == std::path::Component::ParentDir), "{}", into.display());
    if let Some(Ok(name)) = name.map(str::parse::<FileName>) {
        assert!(!name.as_str().contains('/'));
    }
}

/// Of a settings' text what can be read is read, and what cannot stays in it; a value that is set is there afterwards.
pub fn settings_text(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let (mut document, unread) = settings_file_text::read(&text);
    let lines = text.split_inclusive('\n').count();
    for part in &unread {
        assert!((1..=lines).contains(&part.line) && text.contains(&part.text) && !part.reason.is_empty());
    }
    for (key, line, value) in settings_file_text::fields(&document) {
        assert!((1..=lines).contains(&line), "{key} stands in line {line} of {lines}");
        let fields = Map::from_iter([(key, value)]);
        let _ = serde_json::from_value::<settings::Settings>(Json::Object(fields));
    }
    let rows = serde_json::json!([{ "host": "a.example", "connections": 2 }]);
    for (key, value) in [("running_jobs", Json::from(3)), ("proxy", Json::from("http://p\n\"")), ("servers", rows)] {
        assert!(settings_file_text::set(&mut document, key, &value));
        let (again, unread) = settings_file_text::read(&document.to_string());
        assert!(unread.is_empty(), "{document}");
        let found = settings_file_text::fields(&again).into_iter().find(|(had, ..)| had == key);
        assert_eq!(found.map(|(.., value)| value), Some(value), "{document}");
    }
    assert!(settings_file_text::set(&mut document, "proxy", &Json::Null) && !document.contains_key("proxy"));
}
