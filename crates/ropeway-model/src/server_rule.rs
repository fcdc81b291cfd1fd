//! What the user set for single servers.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{ByteRate, Connections};

/// Which servers a rule is about: a host name, or with a leading `.` all names below one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPattern(String);

/// A text that names no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' names no host: write example.org, example.org:8080, or .example.org for all names below it")]
pub struct HostPatternError {
    text: String,
}

impl HostPattern {
    /// Whether `host`, with or without its port, is meant. Letters compare without case, as in DNS.
    pub fn matches(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let name = without_port(&host);
        match self.0.strip_prefix('.') {
            Some(domain) => name == domain || name.strip_suffix(domain).is_some_and(|front| front.ends_with('.')),
            None => self.0 == host || self.0 == name,
        }
    }
}

/// The host without `:port`; the colons inside of an IPv6 literal are none of a port.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') && (!name.contains(':') || name.ends_with(']')) => name,
        _ => host,
    }
}

impl FromStr for HostPattern {
    type Err = HostPatternError;

    fn from_str(text: &str) -> Result<Self, HostPatternError> {
        let lower = text.trim().to_ascii_lowercase();
        let known = |character: char| character.is_alphanumeric() || "-._:[]".contains(character);
        // A colon that is not within an IPv6 literal has a port behind it.
        let port = lower.strip_prefix(without_port(&lower)).and_then(|rest| rest.strip_prefix(':'));
        let has_no_port = port.is_some_and(|port| port.parse::<u16>().is_err());
        if lower.trim_matches('.').is_empty() || !lower.chars().all(known) || has_no_port {
            return Err(HostPatternError { text: text.chars().take(80).collect() });
        }
        Ok(Self(lower))
    }
}

impl TryFrom<String> for HostPattern {
    type Error = HostPatternError;

    fn try_from(text: String) -> Result<Self, HostPatternError> {
        text.parse()
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What holds for the servers of a pattern, over all jobs. `None` follows the general setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerRule {
    /// Which servers.
    pub host: HostPattern,
    /// Connections at once.
    pub connections: Option<Connections>,
    /// Jobs at once, at least one.
    pub running_jobs: Option<u8>,
    /// All bytes to and from one of the servers together.
    pub limit: Option<ByteRate>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, host: &str) -> bool {
        pattern.parse::<HostPattern>().unwrap().matches(host)
    }

    #[test]
    fn a_name_means_the_host_on_every_port_unless_it_names_one() {
        assert!(matches("Example.org", "example.ORG") && matches("example.org", "example.org:8080"));
        assert!(matches("example.org:8080", "example.org:8080") && !matches("example.org:8080", "example.org:443"));
        assert!(!matches("example.org", "www.example.org") && !matches("example.org", "anexample.org"));
        assert!(matches("[::1]", "[::1]:443") && matches("[::1]:443", "[::1]:443") && matches("[::1]", "[::1]"));
    }

    #[test]
    fn the_last_part_of_a_bare_ipv6_address_is_no_port() {
        for (host, name) in [
            ("example.org:8080", "example.org"),
            ("example.org", "example.org"),
            ("[2001:db8::7]:443", "[2001:db8::7]"),
            ("[2001:db8::7]", "[2001:db8::7]"),
            ("2001:db8::7", "2001:db8::7"),
        ] {
            assert_eq!(without_port(host), name);
        }
    }

    #[test]
    fn a_leading_dot_means_the_domain_and_all_names_below_it() {
        assert!(matches(".example.org", "cdn.eu.example.org:443") && matches(".example.org", "example.org"));
        assert!(!matches(".example.org", "anexample.org"));
    }

    #[test]
    fn what_names_no_host_is_refused() {
        for text in ["", ".", "https://example.org/", "a b", "example.org/path", "nas:bar", "nas:", "[::1]:x"] {
            assert!(text.parse::<HostPattern>().is_err(), "{text:?}");
        }
    }
}
