//! Addresses of proxies.

use crate::{SafeUrl, UrlParseError};

/// Schemes of the proxies that are spoken to; `socks5h` and `socks4a` leave the resolving of names to the proxy.
pub const PROXY_SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// A text that names no proxy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyParseError {
    /// It is no address.
    #[error("the proxy cannot be used: {0}")]
    Url(#[from] UrlParseError),
    /// Nobody here speaks to such a proxy.
    #[error("the proxy {0} cannot be used: its scheme is none of {schemes}", schemes = PROXY_SCHEMES.join(", "))]
    Scheme(SafeUrl),
}

/// The proxy that a text names.
///
/// # Errors
/// [`ProxyParseError`] where it is no address or of another scheme than [`PROXY_SCHEMES`].
pub fn proxy_address(text: &str) -> Result<SafeUrl, ProxyParseError> {
    let url: SafeUrl = text.parse()?;
    if PROXY_SCHEMES.contains(&url.expose().scheme()) { Ok(url) } else { Err(ProxyParseError::Scheme(url)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_an_address_of_a_scheme_that_is_spoken() {
        for (text, is_one) in [
            ("http://proxy:3128", true),
            ("socks5h://u:p@proxy", true),
            ("ftp://proxy", false),
            ("proxy:3128", false),
            ("x", false),
            ("", false),
        ] {
            assert_eq!(proxy_address(text).is_ok(), is_one, "{text:?}");
        }
        assert!(!proxy_address("ftp://user:secret@proxy").unwrap_err().to_string().contains("secret"));
    }
}
