//! URLs that can be shown and logged without giving a secret away.

use std::{fmt, str::FromStr};

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::FailureCode;

/// What stands in for a secret.
const HIDDEN: &str = "…";

/// Parts of a parameter's name that mark its value as a secret: signatures of presigned links, tokens, keys, logins.
const SECRET_PARTS: [&str; 24] = [
    "sig", "token", "key", "secret", "pass", "auth", "cred", "session", "sessid", "policy", "hmac", "jwt", "pwd",
    "bearer", "ticket", "saml", "hash", "cookie", "nonce", "digest", "verif", "oauth", "csrf", "login",
];
/// The same for whole words of it, which are too short to look for in others.
const SECRET_WORDS: [&str; 14] =
    ["pw", "otp", "totp", "pin", "sid", "code", "mac", "sso", "ts", "st", "se", "tk", "assertion", "state"];
/// Longer values are hidden whatever their name is: what people write is shorter.
const LONGEST_SHOWN: usize = 24;
/// From here on a value of letters and digits as chance makes them is hidden.
const SHORTEST_TOKEN: usize = 12;
/// Parts of a path from here on that only chance makes are hidden.
const SHORTEST_PATH_TOKEN: usize = 20;

/// Schemes of addresses that people paste and that have no host. Anything else without one lacks its scheme, as in
/// `example.org:8080/a`.
const HOSTLESS: [&str; 14] = [
    "about",
    "blob",
    "cid",
    "data",
    "ed2k",
    "file",
    "javascript",
    "magnet",
    "mailto",
    "tel",
    "thunder",
    "torrent",
    "urn",
    "view-source",
];

/// A URL whose `Display` and `Debug` hide passwords, signatures and tokens. Stored and sent in full.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SafeUrl(Url);

/// A text that is no URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlParseError {
    /// Not of the form `scheme://host/…`.
    #[error("'{text}' is no URL: {reason}")]
    Malformed {
        /// What was written, shortened, without what follows `?` and without a login.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An address of a kind that names no server to ask.
    #[error("{scheme}: addresses are not supported")]
    Unsupported {
        /// The scheme.
        scheme: String,
    },
}

impl UrlParseError {
    /// The text that was refused, as it may be shown.
    pub fn shown(&self) -> String {
        match self {
            Self::Malformed { text, .. } => text.clone(),
            Self::Unsupported { scheme } => format!("{scheme}:…"),
        }
    }

    /// The reason in the closed list.
    pub const fn code(&self) -> FailureCode {
        match self {
            Self::Malformed { .. } => FailureCode::UrlMalformed,
            Self::Unsupported { .. } => FailureCode::SchemeUnsupported,
        }
    }
}

impl SafeUrl {
    /// Whether it carries a user name or a password.
    pub fn has_login(&self) -> bool {
        !self.0.username().is_empty() || self.0.password().is_some()
    }

    /// The URL with its secrets, for the request itself.
    pub const fn expose(&self) -> &Url {
        &self.0
    }

    /// The host and, unless it is the scheme's own, the port. Empty for URLs without a host.
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// `next`, which stands in an answer from here, with the login that belongs to it: the one of this address where both
    /// have the same origin, else none. A server has no say over whom its client logs in as.
    #[must_use]
    pub fn with_login_of_its_own(&self, mut next: Url) -> Self {
        let is_same = self.0.origin() == next.origin();
        let (user, password) = if is_same { (self.0.username(), self.0.password()) } else { ("", None) };
        // Both fail only for addresses that can have no login.
        let _ = next.set_username(user);
        let _ = next.set_password(password);
        Self(next)
    }

    /// `url`, which stands in a document, without a login.
    pub fn without_login(mut url: Url) -> Self {
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Self(url)
    }

    /// The address as it may be kept beside the file: without login, query and fragment, and without what looks like a
    /// secret in its path.
    pub fn public(&self) -> String {
        format!("{}://{}{}", self.0.scheme(), self.host(), ShownPath(self.0.path()))
    }
}

/// Whether a parameter of this name, which may be encoded, is a secret.
fn is_secret_name(name: &str) -> bool {
    let decoded = decoded(name);
    let lower = decoded.to_ascii_lowercase();
    let words = decoded.split(|character: char| !character.is_ascii_alphanumeric()).map(str::to_ascii_lowercase);
    SECRET_PARTS.iter().any(|part| lower.contains(part)) || words.into_iter().any(|word| SECRET_WORDS.contains(&&*word))
}

/// Percent-decoded until nothing changes: what was encoded twice is read by somebody, too.
fn decoded(text: &str) -> String {
    let mut text = text.replace('+', " ");
    for _ in 0..3 {
        let next = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if next == text {
            break;
        }
        text = next;
    }
    text
}

/// Whether only chance writes so: hexadecimal digits alone, or capitals, small letters and digits that take turns as in no
/// words and numbers of people.
fn is_random(text: &str, shortest: usize) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit()) && digits > 0 && digits < text.len();
    let turns = text.as_bytes().windows(2).filter(|pair| match pair {
        // A capital begins a word: only what is behind it counts.
        [one, other] => {
            let is_letter = |byte: &u8| byte.is_ascii_alphabetic();
            (is_letter(one) && other.is_ascii_digit())
                || (one.is_ascii_digit() && is_letter(other))
                || (one.is_ascii_lowercase() && other.is_ascii_uppercase())
        }
        _ => false,
    });
    text.len() >= shortest && (is_hex || turns.count() * 4 >= text.len())
}

/// A query with its secrets hidden.
struct ShownQuery<'a>(&'a str);

impl fmt::Display for ShownQuery<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Some servers separate by semicolons.
        for (place, pair) in self.0.split_inclusive(['&', ';']).enumerate() {
            let (pair, separator) = match pair.strip_suffix(['&', ';']) {
                Some(rest) => (rest, pair.get(rest.len()..).unwrap_or_default()),
                None => (pair, ""),
            };
            if place == 0 {
                formatter.write_str("?")?;
            }
            match pair.split_once('=') {
                Some((name, value)) => {
                    let is_token = |text: &str| {
                        let text = decoded(text);
                        text.len() > LONGEST_SHOWN || is_random(&text, SHORTEST_TOKEN)
                    };
                    let shown_name = if is_token(name) { HIDDEN } else { name };
                    let is_hidden = is_secret_name(name) || is_token(value);
                    let shown_value = if is_hidden && !value.is_empty() { HIDDEN } else { value };
                    write!(formatter, "{shown_name}={shown_value}")?;
                }
                // A bare query is often a token itself.
                None if pair.len() > 16 || is_random(&decoded(pair), SHORTEST_TOKEN) => formatter.write_str(HIDDEN)?,
                None => formatter.write_str(pair)?,
            }
            formatter.write_str(separator)?;
        }
        Ok(())
    }
}

/// A path with what looks like a secret hidden: parameters of a part (`;jsessionid=…`) by their names, whole parts that
/// only chance makes. A part with an ending is the name of a file.
struct ShownPath<'a>(&'a str);

impl fmt::Display for ShownPath<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, part) in self.0.split('/').enumerate() {
            if place > 0 {
                formatter.write_str("/")?;
            }
            let mut pieces = part.split(';');
            let name = pieces.next().unwrap_or_default();
            formatter.write_str(if is_path_token(name) { HIDDEN } else { name })?;
            for piece in pieces {
                match piece.split_once('=') {
                    Some((name, value)) if is_secret_name(name) || is_random(&decoded(value), SHORTEST_TOKEN) => {
                        write!(formatter, ";{name}={HIDDEN}")?;
                    }
                    _ => write!(formatter, ";{}", if is_path_token(piece) { HIDDEN } else { piece })?,
                }
            }
        }
        Ok(())
    }
}

fn is_path_token(part: &str) -> bool {
    if part.len() < SHORTEST_PATH_TOKEN {
        return false;
    }
    let part = decoded(part);
    // `bot123456:AAF…`, `name=token`, `a.b.c` of a JWT: each piece counts.
    let is_jwt = part.starts_with("eyJ") && part.len() >= SHORTEST_PATH_TOKEN;
    let (stem, ending) = part.rsplit_once('.').unwrap_or((&part, ""));
    let is_file = !ending.is_empty() && ending.len() <= 8 && !stem.is_empty();
    let mut pieces = part.split([':', '=', '~']);
    is_jwt || (!is_file && pieces.any(|piece| is_random(piece, SHORTEST_PATH_TOKEN)))
}

/// The address without what would be the port of its host, unless that is a number.
fn without_port(address: &str) -> &str {
    let begin = address.find("://").map_or(0, |at| at + 3);
    let end = address[begin..].find('/').map_or(address.len(), |at| begin + at);
    match address[begin..end].rfind(':').map(|at| begin + at) {
        Some(colon) if address[colon + 1..end].parse::<u32>().is_err() && !address[colon..end].contains(']') => {
            &address[..colon]
        }
        _ => address,
    }
}

impl From<Url> for SafeUrl {
    fn from(url: Url) -> Self {
        Self(url)
    }
}

impl FromStr for SafeUrl {
    type Err = UrlParseError;

    fn from_str(text: &str) -> Result<Self, UrlParseError> {
        let text = text.trim();
        let refused = |reason: String| {
            // A password may hold what ends a path: the login goes first. What stands where a port does may be one, too.
            let shown = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
            let shown = shown.split(['?', '#']).next().unwrap_or_default();
            let shown = ShownPath(without_port(shown)).to_string();
            UrlParseError::Malformed { text: shown.chars().take(120).collect(), reason }
        };
        let url = Url::parse(text).map_err(|error| match error {
            url::ParseError::RelativeUrlWithoutBase => refused("it does not begin with https:// or http://".to_owned()),
            error => refused(error.to_string()),
        })?;
        match url.scheme() {
            _ if url.has_host() => Ok(Self(url)),
            scheme if HOSTLESS.contains(&scheme) => Err(UrlParseError::Unsupported { scheme: scheme.to_owned() }),
            _ => Err(refused("it names no host".to_owned())),
        }
    }
}

impl TryFrom<String> for SafeUrl {
    type Error = UrlParseError;

    fn try_from(text: String) -> Result<Self, UrlParseError> {
        text.parse()
    }
}

impl From<SafeUrl> for String {
    fn from(url: SafeUrl) -> Self {
        url.0.into()
    }
}

impl fmt::Display for SafeUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.public())?;
        self.0.query().map_or(Ok(()), |query| ShownQuery(query).fmt(formatter))
    }
}

impl fmt::Debug for SafeUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_url_keeps_its_shape_and_loses_its_secrets() {
        for (url, shown) in [
            ("https://u:p@example.org/a?b=1#f", "https://example.org/a?b=1"),
            (
                "http://example.org:8080/x?X-Amz-Signature=ab&part=2",
                "http://example.org:8080/x?X-Amz-Signature=…&part=2",
            ),
            ("https://example.org/f?access_token=x&API_KEY=y", "https://example.org/f?access_token=…&API_KEY=…"),
            ("https://example.org/f?0123456789abcdef0", "https://example.org/f?…"),
            ("https://example.org/f?%73ig=x", "https://example.org/f?%73ig=…"),
            ("https://example.org/f?%2573ig=x&a=1", "https://example.org/f?%2573ig=…&a=1"),
            ("https://example.org/f?x=1;sig=y;z=2", "https://example.org/f?x=1;sig=…;z=2"),
            ("https://example.org/f?pw=x&user.pwd=y&otp=1", "https://example.org/f?pw=…&user.pwd=…&otp=…"),
            ("https://example.org/f?code=x&ticket=y&bearer=z", "https://example.org/f?code=…&ticket=…&bearer=…"),
            ("https://example.org/f?PHPSESSID=x&sid=y&SAMLart=z", "https://example.org/f?PHPSESSID=…&sid=…&SAMLart=…"),
            ("https://example.org/f?hash=x&h=short&t=Ab3dEf6hIj9k", "https://example.org/f?hash=…&h=short&t=…"),
            ("https://example.org/f?u=https%3A%2F%2Fa.example%2Fb%3Fsig%3Dc", "https://example.org/f?u=…"),
            ("https://example.org/f?Ab3dEf6hIj9kAb3dEf6hIj9kx=1", "https://example.org/f?…=1"),
            ("https://example.org/f?a&b=&c", "https://example.org/f?a&b=&c"),
            ("https://example.org/a;jsessionid=x/b;v=1", "https://example.org/a;jsessionid=…/b;v=1"),
            ("https://example.org/d/0123456789abcdef0123456789abcdef/f.iso", "https://example.org/d/…/f.iso"),
            ("https://example.org/file/bot123456:AAFx9Kq2LmZ7pQ4rT8vW1y/x", "https://example.org/file/…/x"),
            ("https://example.org/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.c2ln", "https://example.org/…"),
            (
                "https://example.org/0a1b2c3d4e5f60718293a4b5c6d7e8f9.tar.gz",
                "https://example.org/0a1b2c3d4e5f60718293a4b5c6d7e8f9.tar.gz",
            ),
            (
                "https://example.org/debian-13.1.0-amd64-netinst.iso",
                "https://example.org/debian-13.1.0-amd64-netinst.iso",
            ),
            ("https://example.org/Some_Long_Folder_Name_2024/x", "https://example.org/Some_Long_Folder_Name_2024/x"),
            ("https://example.org/SomeLongFolderName2024/x", "https://example.org/SomeLongFolderName2024/x"),
            ("https://example.org/f?file=Ubuntu2604Desktop", "https://example.org/f?file=Ubuntu2604Desktop"),
            ("https://example.org/f?color=facadedecade", "https://example.org/f?color=facadedecade"),
            ("https://example.org/f?day=202611302359", "https://example.org/f?day=202611302359"),
            ("https://example.org/f?release-notes-26", "https://example.org/f?release-notes-26"),
            ("https://example.org/f?release-notes-2026", "https://example.org/f?…"),
            ("https://example.org/f?Ab3dEf6hIj9k", "https://example.org/f?…"),
        ] {
            assert_eq!(url.parse::<SafeUrl>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn a_refused_url_is_not_echoed_with_its_login() {
        let error = "https://user:secret@:99999/?token=abc".parse::<SafeUrl>().unwrap_err().to_string();
        assert!(!error.contains("secret") && !error.contains("abc"), "{error}");
        let error = "http://[/0123456789abcdef0123456789abcdef/f".parse::<SafeUrl>().unwrap_err().to_string();
        assert!(!error.contains("0123456789"), "{error}");
        for text in
            ["http://u:pwSECRET#x@127.0.0.1:1/f", "http://u:pwSECRET?x@host/f", "http://u:pwSECRET", "u:pwSECRET@h:1"]
        {
            let error = text.parse::<SafeUrl>().unwrap_err().to_string();
            assert!(!error.contains("SECRET"), "{text}: {error}");
        }
        assert!("not a url".parse::<SafeUrl>().is_err());
    }

    #[test]
    fn a_refused_url_is_shown_with_what_is_no_secret_of_it() {
        for (text, shown) in [
            ("https://example.org:99999/a", "https://example.org:99999/a"),
            ("https://example.org:port/a", "https://example.org"),
            ("example.org/a?token=x", "example.org/a"),
            ("magnet:?xt=urn:btih:abc", "magnet:…"),
        ] {
            assert_eq!(text.parse::<SafeUrl>().unwrap_err().shown(), shown, "{text}");
        }
    }

    #[test]
    fn a_login_is_a_name_or_a_password() {
        for (url, has) in [
            ("https://u:p@example.org/", true),
            ("https://u@example.org/", true),
            ("https://:p@example.org/", true),
            ("https://example.org/", false),
        ] {
            assert_eq!(url.parse::<SafeUrl>().unwrap().has_login(), has, "{url}");
        }
    }

    #[test]
    fn an_address_of_another_kind_is_told_from_one_that_lacks_its_scheme() {
        for (text, code) in [
            ("magnet:?xt=urn:btih:abc", FailureCode::SchemeUnsupported),
            ("mailto:x@example.org", FailureCode::SchemeUnsupported),
            ("file:///etc/passwd", FailureCode::SchemeUnsupported),
            ("data:,x", FailureCode::SchemeUnsupported),
            ("example.org:8080/a", FailureCode::UrlMalformed),
            ("localhost:8080", FailureCode::UrlMalformed),
            ("https://", FailureCode::UrlMalformed),
        ] {
            let error = text.parse::<SafeUrl>().unwrap_err();
            assert_eq!(error.code(), code, "{text}: {error}");
        }
        assert!("magnet:?xt=secret".parse::<SafeUrl>().unwrap_err().to_string().contains("not supported"));
    }
}
