//! Request headers the user adds to a job.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use url::Url;

/// Fields that are no secrets.
const PUBLIC: [&str; 2] = ["User-Agent", "Referer"];

/// One request header. `Debug` shows the name only: a value may be a token.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HeaderField {
    name: String,
    value: String,
}

/// A text that is no header field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderParseError {
    /// No colon, or a name that is no token (RFC 9110 §5.1).
    #[error("a header is written 'Name: value' with a name of letters, digits and -")]
    BadName,
    /// A line break or another control character in the value.
    #[error("the value of header {name} has a control character")]
    BadValue {
        /// The header's name.
        name: String,
    },
}

impl HeaderField {
    /// A header field; refuses what would change the request around it (RFC 9110 §5.5).
    pub fn new(name: &str, value: &str) -> Result<Self, HeaderParseError> {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) {
            return Err(HeaderParseError::BadName);
        }
        if value.bytes().any(|byte| (byte < 0x20 && byte != b'\t') || byte == 0x7f) {
            return Err(HeaderParseError::BadValue { name: name.to_owned() });
        }
        Ok(Self { name: name.to_owned(), value: value.trim().to_owned() })
    }

    /// `Authorization: Basic …` for a login (RFC 7617).
    pub fn basic_login(user: &str, password: &str) -> Self {
        Self {
            name: "Authorization".to_owned(),
            value: format!("Basic {}", base64(format!("{user}:{password}").as_bytes())),
        }
    }

    /// The field's name as written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a server must not learn it that the user did not give it to. All may be secrets, whatever their names,
    /// but what says how the request is made and where its user comes from.
    pub fn may_be_secret(&self) -> bool {
        !PUBLIC.iter().any(|name| self.name.eq_ignore_ascii_case(name))
    }

    /// Whether any server at `address` may see it. A page behind encryption is not told to a server without (RFC 9110
    /// §10.1.3).
    pub(crate) fn may_go_to(&self, address: &Url) -> bool {
        let gives_page_away = self.name.eq_ignore_ascii_case("referer") && self.value.starts_with("https:");
        !self.may_be_secret() && (address.scheme() == "https" || !gives_page_away)
    }

    /// The field's value; may be a secret.
    pub fn expose_value(&self) -> &str {
        &self.value
    }
}

/// Standard base64 with padding (RFC 4648 §4); the one place that needs it encodes a login.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = group.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let six_bits = usize::try_from(word >> (18 - 6 * place) & 63).unwrap_or(0);
            let letter = ALPHABET.get(six_bits).copied().unwrap_or(b'=');
            text.push(if place <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

impl FromStr for HeaderField {
    type Err = HeaderParseError;

    fn from_str(text: &str) -> Result<Self, HeaderParseError> {
        let (name, value) = text.split_once(':').ok_or(HeaderParseError::BadName)?;
        Self::new(name.trim(), value)
    }
}

impl fmt::Debug for HeaderField {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: …", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_cannot_smuggle_a_second_one() {
        assert!("X-Note: one\r\nHost: evil".parse::<HeaderField>().is_err());
        assert!("X Note: one".parse::<HeaderField>().is_err());
        assert!("no colon".parse::<HeaderField>().is_err());
        assert_eq!("X-Note:  one ".parse::<HeaderField>().unwrap().expose_value(), "one");
    }

    #[test]
    fn a_login_is_encoded_as_in_rfc_7617() {
        assert_eq!(
            HeaderField::basic_login("Aladdin", "open sesame").expose_value(),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        assert_eq!(HeaderField::basic_login("a", "b").expose_value(), "Basic YTpi");
        assert_eq!(HeaderField::basic_login("a", "bc").expose_value(), "Basic YTpiYw==");
    }

    #[test]
    fn debug_output_hides_the_value() {
        assert_eq!(format!("{:?}", HeaderField::new("X-Api-Key", "hunter2").unwrap()), "X-Api-Key: …");
    }
}
