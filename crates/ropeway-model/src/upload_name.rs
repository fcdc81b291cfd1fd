//! The name of a local file as an upload tells it to a server.

use std::{borrow::Cow, fmt, fmt::Write as _, path::Path};

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// What a segment of a path may not hold as it stands (URL Standard, path percent-encode set, with what would end the
/// segment or be taken for a separator).
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'/')
    .add(b'\\')
    .add(b'%');

/// Name of a file or folder on this machine, octet by octet: what it is called at a server, too.
///
/// It is not made safe, unlike a [`crate::FileName`]: that is the business of whoever stores it, and two names that
/// differ here must not become one on the way.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UploadName(Vec<u8>);

impl UploadName {
    /// The last part of a path.
    pub fn of(path: &Path) -> Self {
        Self(path.file_name().unwrap_or_default().as_encoded_bytes().to_vec())
    }

    /// The octets, as a form carries them.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    /// The name for people: octets that are no UTF-8 are replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// The name as one segment of a URL's path.
    pub fn segment(&self) -> String {
        percent_encode(&self.0, SEGMENT).to_string()
    }

    /// The key under which a server keeps it that tells neither case nor composition of letters apart, and drops what
    /// stands loose at the end: names with one key may be one file there.
    pub fn folded(&self) -> String {
        let mut folded = String::with_capacity(self.0.len());
        for chunk in self.0.utf8_chunks() {
            folded.extend(chunk.valid().nfc().flat_map(char::to_lowercase));
            for octet in chunk.invalid() {
                // Writing to a string cannot fail.
                let _ = write!(folded, "%{octet:02X}");
            }
        }
        folded.trim_end_matches(['.', ' ']).to_owned()
    }
}

impl From<&str> for UploadName {
    fn from(name: &str) -> Self {
        Self(name.as_bytes().to_vec())
    }
}

impl fmt::Display for UploadName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text())
    }
}

impl fmt::Debug for UploadName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_have_segments_that_differ() {
        for (octets, segment) in [
            (&b"a b.bin"[..], "a%20b.bin"),
            (b"a\\report.txt", "a%5Creport.txt"),
            (b"report.txt", "report.txt"),
            (b"x\xe4.txt", "x%E4.txt"),
            (b"x\xf6.txt", "x%F6.txt"),
            ("ä.txt".as_bytes(), "%C3%A4.txt"),
            (b"100%25", "100%2525"),
            (b"a\r\nb", "a%0D%0Ab"),
            (b"a?b#c", "a%3Fb%23c"),
        ] {
            assert_eq!(UploadName(octets.to_vec()).segment(), segment);
        }
    }

    #[test]
    fn names_that_a_server_may_take_for_one_have_one_key() {
        for (one, other) in [("A.txt", "a.TXT"), ("e\u{301}.txt", "é.txt"), ("É", "e\u{301}"), ("a", "a."), ("a", "a ")]
        {
            assert_eq!(UploadName::from(one).folded(), UploadName::from(other).folded(), "{one} {other}");
        }
        for (one, other) in [("a.txt", "b.txt"), ("a", " a"), ("a", ".a"), ("a.", "a.b")] {
            assert_ne!(UploadName::from(one).folded(), UploadName::from(other).folded(), "{one} {other}");
        }
        assert_ne!(UploadName(b"x\xe4".to_vec()).folded(), UploadName(b"x\xf6".to_vec()).folded());
    }

    #[test]
    fn the_last_part_of_a_path_is_the_name() {
        assert_eq!(UploadName::of(Path::new("/a/b\\c.txt")).text(), "b\\c.txt");
        assert_eq!(UploadName::of(Path::new("/")).octets(), b"");
    }
}
