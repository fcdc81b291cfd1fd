//! URLs that can be shown and logged without giving a secret away.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use url::Url;

/// What stands in for a secret.
const HIDDEN: &str = "…";

/// Parts of a query parameter's name that mark its value as a secret: signatures of presigned links, tokens, keys.
const SECRET_NAMES: [&str; 11] =
    ["sig", "token", "key", "secret", "pass", "auth", "cred", "session", "policy", "hmac", "jwt"];

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
}

impl SafeUrl {
    /// The URL with its secrets, for the request itself.
    pub const fn expose(&self) -> &Url {
        &self.0
    }

    /// The host and, unless it is the scheme's own, the port. Empty for URLs without a host.
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    fn is_secret(name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        SECRET_NAMES.iter().any(|part| name.contains(part))
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
            let shown = text.split(['?', '#']).next().unwrap_or_default();
            let shown = shown.rsplit_once('@').map_or(shown, |(_, rest)| rest);
            UrlParseError::Malformed { text: shown.chars().take(120).collect(), reason }
        };
        let url = Url::parse(text).map_err(|error| refused(error.to_string()))?;
        if url.has_host() { Ok(Self(url)) } else { Err(refused("it names no host".to_owned())) }
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
        write!(formatter, "{}://{}{}", self.0.scheme(), self.host(), self.0.path())?;
        let Some(query) = self.0.query() else { return Ok(()) };
        for (place, pair) in query.split('&').enumerate() {
            let separator = if place == 0 { '?' } else { '&' };
            match pair.split_once('=') {
                Some((name, _)) if Self::is_secret(name) => write!(formatter, "{separator}{name}={HIDDEN}")?,
                Some(_) => write!(formatter, "{separator}{pair}")?,
                // A bare query is often a token itself.
                None if pair.len() > 16 => write!(formatter, "{separator}{HIDDEN}")?,
                None => write!(formatter, "{separator}{pair}")?,
            }
        }
        Ok(())
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
        ] {
            assert_eq!(url.parse::<SafeUrl>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn a_refused_url_is_not_echoed_with_its_login() {
        let error = "https://user:secret@:99999/?token=abc".parse::<SafeUrl>().unwrap_err().to_string();
        assert!(!error.contains("secret") && !error.contains("abc"), "{error}");
        assert!("mailto:x@example.org".parse::<SafeUrl>().is_err());
        assert!("not a url".parse::<SafeUrl>().is_err());
    }
}
