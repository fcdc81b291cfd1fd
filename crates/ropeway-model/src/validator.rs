//! What tells one version of a remote file from another (RFC 9110 §8.8).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::counted;

/// An entity tag (RFC 9110 §8.8.3), kept as sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntityTag(String);

impl EntityTag {
    /// An entity tag from a header value; `None` unless it has the form `"…"` or `W/"…"`.
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim();
        let opaque = value.strip_prefix("W/").unwrap_or(value).strip_prefix('"')?.strip_suffix('"')?;
        let allowed = |character: char| character != '"' && character != '\u{7f}' && character > ' ';
        opaque.chars().all(allowed).then(|| Self(value.to_owned()))
    }

    /// Whether the tag promises octet equality. Only such a tag may stand in `If-Range` (RFC 9110 §13.1.5).
    pub fn is_strong(&self) -> bool {
        !self.0.starts_with("W/")
    }

    /// Whether both name one version by the weak comparison (RFC 9110 §8.8.3.2): as a server that compresses on the way
    /// makes a weak tag of a strong one.
    pub fn is_weakly(&self, other: &Self) -> bool {
        self.0.trim_start_matches("W/") == other.0.trim_start_matches("W/")
    }

    /// The tag as sent, with its quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntityTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What the server said of the version whose bytes are being saved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validator {
    /// Its entity tag.
    pub entity_tag: Option<EntityTag>,
    /// `Last-Modified`, as sent.
    pub last_modified: Option<String>,
    /// Whether `Last-Modified` lies at least a second before the response's `Date`, which makes it strong
    /// (RFC 9110 §8.8.2.2).
    pub last_modified_is_strong: bool,
    /// Length of the complete representation in bytes.
    pub length: Option<u64>,
}

impl Validator {
    /// The value that `If-Range` may carry for this version, if any (RFC 9110 §13.1.5).
    pub fn if_range(&self) -> Option<&str> {
        match &self.entity_tag {
            Some(tag) => tag.is_strong().then(|| tag.as_str()),
            None if self.last_modified_is_strong => self.last_modified.as_deref(),
            None => None,
        }
    }

    /// Compares what a later response says with this version.
    ///
    /// A field that the later response leaves out says nothing: 206 responses may omit some (RFC 9110 §15.3.7).
    pub fn compare(&self, later: &Self) -> Validation {
        let differ = |had: Option<&str>, now: Option<&str>| matches!((had, now), (Some(had), Some(now)) if had != now);
        let had_tag = self.entity_tag.as_ref().map(EntityTag::as_str);
        let now_tag = later.entity_tag.as_ref().map(EntityTag::as_str);
        let lengths_differ = matches!((self.length, later.length), (Some(had), Some(now)) if had != now);
        if lengths_differ
            || differ(had_tag, now_tag)
            || differ(self.last_modified.as_deref(), later.last_modified.as_deref())
        {
            return Validation::Changed;
        }
        let same_length = self.length.is_some() && self.length == later.length;
        if had_tag.is_some() && had_tag == now_tag && self.entity_tag.as_ref().is_some_and(EntityTag::is_strong) {
            Validation::StrongTag
        } else if same_length && self.last_modified.is_some() && self.last_modified == later.last_modified {
            Validation::LengthAndDate
        } else {
            Validation::Unverifiable
        }
    }
}

impl fmt::Display for Validator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.length.map_or_else(|| "unknown length".to_owned(), |length| counted(length, "byte"));
        match (&self.entity_tag, &self.last_modified) {
            (Some(tag), _) => write!(formatter, "{tag}, {length}"),
            (None, Some(date)) => write!(formatter, "modified {date}, {length}"),
            (None, None) => formatter.write_str(&length),
        }
    }
}

/// How surely a later response belongs to the version whose bytes are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validation {
    /// The same strong entity tag.
    StrongTag,
    /// The same length and modification date.
    LengthAndDate,
    /// Nothing to compare but the bytes: the end of what is on disk was fetched again and is the same.
    Overlap,
    /// Nothing that could be compared.
    Unverifiable,
    /// Another version.
    Changed,
}

impl fmt::Display for Validation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::StrongTag => "the same strong tag",
            Self::LengthAndDate => "the same length and date",
            Self::Overlap => "the same bytes came again",
            Self::Unverifiable => "nothing to compare",
            Self::Changed => "another version",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validator(tag: Option<&str>, date: Option<&str>, length: Option<u64>) -> Validator {
        Validator {
            entity_tag: tag.and_then(EntityTag::parse),
            last_modified: date.map(str::to_owned),
            last_modified_is_strong: true,
            length,
        }
    }

    #[test]
    fn an_entity_tag_has_quotes_and_no_controls() {
        for (value, strong) in [
            ("\"abc\"", Some(true)),
            ("W/\"abc\"", Some(false)),
            ("\"\"", Some(true)),
            ("abc", None),
            ("w/\"abc\"", None),
            ("\"a\"b\"", None),
            ("\"", None),
        ] {
            assert_eq!(EntityTag::parse(value).map(|tag| tag.is_strong()), strong, "{value}");
        }
    }

    #[test]
    fn a_weak_tag_never_stands_in_if_range() {
        assert_eq!(validator(Some("W/\"1\""), Some("date"), None).if_range(), None);
        assert_eq!(validator(Some("\"1\""), Some("date"), None).if_range(), Some("\"1\""));
        assert_eq!(validator(None, Some("date"), None).if_range(), Some("date"));
        let of_the_same_second = Validator { last_modified_is_strong: false, ..validator(None, Some("date"), None) };
        assert_eq!(of_the_same_second.if_range(), None);
    }

    #[test]
    fn a_weak_tag_and_a_strong_one_of_the_same_letters_name_one_version_weakly() {
        let tag = |text: &str| EntityTag::parse(text).unwrap();
        assert!(tag("W/\"1\"").is_weakly(&tag("\"1\"")) && tag("\"1\"").is_weakly(&tag("W/\"1\"")));
        assert!(!tag("W/\"1\"").is_weakly(&tag("W/\"2\"")));
    }

    #[test]
    fn validation_is_graded() {
        let saved = validator(Some("\"1\""), Some("monday"), Some(10));
        for (later, expected) in [
            (validator(Some("\"1\""), None, None), Validation::StrongTag),
            (validator(Some("\"2\""), Some("monday"), Some(10)), Validation::Changed),
            (validator(None, Some("monday"), Some(10)), Validation::LengthAndDate),
            (validator(None, Some("tuesday"), Some(10)), Validation::Changed),
            (validator(Some("\"1\""), Some("monday"), Some(11)), Validation::Changed),
            (validator(None, None, Some(10)), Validation::Unverifiable),
        ] {
            assert_eq!(saved.compare(&later), expected, "{later:?}");
        }
    }
}
