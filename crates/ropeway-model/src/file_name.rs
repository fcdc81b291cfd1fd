//! File names that are safe to create, whatever a server or a URL says.

use std::fmt;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use url::Url;

/// Longest name that every common file system takes, in bytes of UTF-8, with room for ` (999)` and `.part`.
const LONGEST_BYTES: usize = 240;
/// An extension longer than this is part of the name.
const LONGEST_EXTENSION_BYTES: usize = 16;
/// What takes their power from names that file managers act on.
const DEFUSED: &str = ".download";
/// Passes over a name until all rules hold at once; two are enough for every name that is known.
const MOST_PASSES: usize = 4;
/// The name where nothing usable is left.
const FALLBACK: &str = "download";
/// What names of web pages end in.
const PAGES: [&str; 16] = [
    "htm", "html", "shtml", "xht", "xhtml", "mht", "mhtml", "php", "php5", "phtml", "asp", "aspx", "jsp", "jspx",
    "cgi", "do",
];
/// What names end in that no server gives a page: archives, images of disks, packages, programs, films, music, pictures.
const NO_PAGES: [&str; 58] = [
    "7z", "apk", "avi", "bin", "br", "bz2", "cab", "dat", "deb", "dmg", "doc", "docx", "epub", "exe", "flac", "gif",
    "gz", "img", "iso", "jar", "jpeg", "jpg", "lz", "lz4", "lzma", "m4a", "m4v", "mkv", "mov", "mp3", "mp4", "mpg",
    "msi", "ogg", "ogv", "opus", "parquet", "pdf", "pkg", "png", "pptx", "qcow2", "rar", "rpm", "tar", "tgz",
    "torrent", "txz", "vdi", "vmdk", "wav", "webm", "webp", "whl", "xlsx", "xz", "zip", "zst",
];
/// Device names of Windows, reserved with any extension.
const RESERVED: [&str; 8] = ["con", "prn", "aux", "nul", "conin$", "conout$", "clock$", "desktop"];

/// The name of one file in one folder: not empty, no separator, no control character, not `.` or `..`, nothing that
/// Windows reserves, at most 240 bytes of UTF-8 in NFC.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

/// A text that is no safe file name as it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{shown}' is no safe file name")]
pub struct FileNameError {
    shown: String,
}

impl FileName {
    /// The safe name nearest to `text`, which may be a path: only its last part counts. Never fails; what leaves
    /// nothing becomes `download`.
    pub fn sanitized(text: &str) -> Self {
        let last = text.rsplit(['/', '\\']).find(|part| !part.trim_matches(['.', ' ']).is_empty()).unwrap_or_default();
        if is_plain(last) {
            return Self(last.to_owned());
        }
        let mut name = made_safe(last);
        // What is cut off may leave what the rule is against: it holds for what is left.
        for _ in 0..MOST_PASSES {
            let again = made_safe(&name);
            if again == name {
                return Self(name);
            }
            name = again;
        }
        Self(FALLBACK.to_owned())
    }

    /// Whether a file of this name would be acted on by its mere presence, or shows as another name than it has: nobody
    /// else may give a file such a name.
    pub fn is_treacherous(name: &str) -> bool {
        is_acted_on_by_shells(name) || name.chars().any(hides)
    }

    /// The name a URL's path ends in, percent-decoded once; `download` if it ends in nothing.
    pub fn from_url(url: &Url) -> Self {
        let last = url.path_segments().and_then(|mut parts| parts.rfind(|part| !part.is_empty())).unwrap_or_default();
        Self::sanitized(&percent_decode_str(last).decode_utf8_lossy())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a web page may have this name: it ends as those of pages do, or in nothing that tells.
    pub fn may_be_page(&self) -> bool {
        self.ending().is_none_or(|ending| PAGES.contains(&&*ending))
    }

    /// Whether the name promises something that no page is, such as an archive or a film.
    pub fn is_no_page(&self) -> bool {
        self.ending().is_some_and(|ending| NO_PAGES.contains(&&*ending))
    }

    /// What stands behind the last dot, in lower case.
    fn ending(&self) -> Option<String> {
        self.0.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase())
    }

    /// The same name with ` (number)` before its extension.
    #[must_use]
    pub fn numbered(&self, number: u32) -> Self {
        let (stem, extension) = split_extension(&self.0);
        let suffix = format!(" ({number}){extension}");
        Self(format!("{}{suffix}", cut(stem, LONGEST_BYTES - suffix.len())))
    }
}

/// Whether no rule can have anything against a name: most names are like that, and thousands are looked at.
fn is_plain(name: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let (first, last) = (name.bytes().next(), name.bytes().next_back());
    name.len() <= LONGEST_BYTES
        && name.bytes().all(is_usual)
        && first.is_some_and(|byte| byte.is_ascii_alphanumeric())
        && last != Some(b'.')
        && !is_reserved(name)
        && !is_acted_on_by_shells(name)
}

/// One pass over a name: each rule once, and the length last.
fn made_safe(name: &str) -> String {
    let cleaned: String = if name.is_ascii() {
        name.chars().filter_map(clean_character).collect()
    } else {
        name.nfc().filter_map(clean_character).collect()
    };
    let trimmed = without_loose_end(cleaned.trim());
    // A leading dot hides the file, a leading hyphen or tilde means something to shells.
    let mut name = match trimmed.trim_start_matches(is_loose) {
        "" => FALLBACK.to_owned(),
        rest if rest.len() < trimmed.len() || rest.starts_with(['-', '~']) => format!("_{rest}"),
        rest => rest.to_owned(),
    };
    if is_reserved(&name) {
        name.insert(0, '_');
    }
    if is_acted_on_by_shells(&name) {
        name = format!("{}{DEFUSED}", cut(&name, LONGEST_BYTES - DEFUSED.len()));
    }
    shortened(&name, LONGEST_BYTES)
}

/// Whether a character makes a text look like another one, or has a terminal act: controls, and what nobody sees.
pub fn hides(character: char) -> bool {
    character.is_control() || is_unseen(character)
}

/// Characters that nobody sees, or that turn the direction of what follows: they make `exe.txt` of `txt.exe`, and two
/// files of one name. Unicode's format characters (Cf) but for the joiners, which letters and signs are made with;
/// separators of lines, and fillers.
fn is_unseen(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
        | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e00ff}')
}

/// What `character` becomes in a file name; `None` drops it.
fn clean_character(character: char) -> Option<char> {
    match character {
        // C0, DEL and C1 controls.
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => None,
        // The joiners are letters' and signs' own, and nobody misses them in a name.
        '\u{200c}' | '\u{200d}' => None,
        unseen if is_unseen(unseen) => None,
        // Separators, streams and wildcards of Windows.
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => Some('_'),
        other => Some(other),
    }
}

/// Whether Windows opens a device instead of a file of this name.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let is_numbered = |prefix: &str| {
        let (start, rest) = stem.split_at_checked(prefix.len()).unwrap_or_default();
        let mut characters = rest.chars();
        let has_digit = matches!(characters.next(), Some('0'..='9' | '¹' | '²' | '³'));
        start.eq_ignore_ascii_case(prefix) && has_digit && characters.next().is_none()
    };
    let is_device = RESERVED.iter().any(|device| stem.eq_ignore_ascii_case(device));
    let is_desktop = stem.eq_ignore_ascii_case("desktop");
    (is_device && (!is_desktop || name.eq_ignore_ascii_case("desktop.ini"))) || is_numbered("com") || is_numbered("lpt")
}

/// Whether a file manager acts on the mere presence of a file of this kind.
fn is_acted_on_by_shells(name: &str) -> bool {
    const KINDS: [&str; 11] = [
        ".lnk",
        ".scf",
        ".url",
        ".website",
        ".local",
        ".desktop",
        ".directory",
        ".library-ms",
        ".search-ms",
        ".searchconnector-ms",
        ".webloc",
    ];
    let ends_in = |kind: &str| {
        let end = name.len().checked_sub(kind.len()).and_then(|at| name.get(at..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(kind))
    };
    name.eq_ignore_ascii_case("autorun.inf") || KINDS.iter().any(|kind| ends_in(kind))
}

/// The name in two: the stem, and the extension with its dot (both parts of `.tar.gz`-like pairs).
fn split_extension(name: &str) -> (&str, &str) {
    let dot = |text: &str| text.rfind('.').filter(|at| *at > 0 && text.len() - at <= LONGEST_EXTENSION_BYTES);
    let Some(at) = dot(name) else { return (name, "") };
    let stem = name.get(..at).unwrap_or(name);
    let at = if stem.ends_with(".tar") { at - ".tar".len() } else { at };
    name.split_at_checked(at).filter(|(stem, _)| !stem.is_empty()).unwrap_or((name, ""))
}

/// `name` within `longest` bytes, its extension kept.
fn shortened(name: &str, longest: usize) -> String {
    let (stem, extension) = split_extension(name);
    let name = format!("{}{extension}", cut(stem, longest - extension.len()));
    without_loose_end(&name).to_owned()
}

/// Dots and white space: nothing of them may begin or end a name. Windows drops them, and nobody sees them.
fn is_loose(character: char) -> bool {
    character == '.' || character.is_whitespace()
}

fn without_loose_end(name: &str) -> &str {
    name.trim_end_matches(is_loose)
}

/// The longest start of `text` that has at most `longest` bytes and ends at a character.
fn cut(text: &str, longest: usize) -> &str {
    let mut end = longest.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().trim_end()
}

impl std::str::FromStr for FileName {
    type Err = FileNameError;

    /// Takes a name as it stands or not at all, for what a user or the store says.
    fn from_str(text: &str) -> Result<Self, FileNameError> {
        let refused =
            || FileNameError { shown: text.chars().filter(|character| !character.is_control()).take(60).collect() };
        let plain = !text.is_empty() && text.len() <= 255 && text != "." && text != "..";
        let harmless = |character: char| !matches!(character, '/' | '\\' | '\0'..='\u{1f}' | '\u{7f}');
        if plain && text.chars().all(harmless) { Ok(Self(text.to_owned())) } else { Err(refused()) }
    }
}

impl TryFrom<String> for FileName {
    type Error = FileNameError;

    fn try_from(text: String) -> Result<Self, FileNameError> {
        text.parse()
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for FileName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cut_name_has_no_loose_end() {
        let long = format!("{}. {}", "n".repeat(LONGEST_BYTES - 1), "x".repeat(30));
        assert_eq!(FileName::sanitized(&long).as_str(), "n".repeat(LONGEST_BYTES - 1));
    }

    #[test]
    fn what_is_left_of_a_cut_name_is_safe_too() {
        for kind in [".desktop", ".lnk", ".URL", ".searchConnector-ms"] {
            for more in 0..20 {
                let long = format!("{}{kind}{}", "n".repeat(LONGEST_BYTES - kind.len() - more), "x".repeat(30));
                let name = FileName::sanitized(&long);
                assert!(!FileName::is_treacherous(name.as_str()), "{name}");
                let ends_so = format!("{}{kind}", "n".repeat(LONGEST_BYTES));
                let name = FileName::sanitized(&ends_so);
                assert!(name.as_str().ends_with(DEFUSED) && name.as_str().len() <= LONGEST_BYTES, "{name}");
            }
        }
    }

    #[test]
    fn names_that_trick_are_told_from_others() {
        for (name, is) in [
            ("a.desktop", true),
            ("A.LNK", true),
            ("a\u{202e}fdp.exe", true),
            ("a\u{61c}b", true),
            ("a\u{2028}b", true),
            ("a\u{9b}b", true),
            ("autorun.inf", true),
            ("\u{1f469}\u{200d}\u{1f4bb}.png", false),
            ("a:b ä.txt", false),
            ("desktop", false),
            ("a.desktop.download", false),
        ] {
            assert_eq!(FileName::is_treacherous(name), is, "{name:?}");
        }
    }

    #[test]
    fn hostile_names_become_harmless() {
        for (hostile, safe) in [
            ("ubuntu-26.04.iso", "ubuntu-26.04.iso"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\windows\\win.ini", "win.ini"),
            ("..", "download"),
            ("", "download"),
            ("/", "download"),
            ("a/..", "a"),
            (".bashrc", "_bashrc"),
            ("-rf", "_-rf"),
            ("~root", "_~root"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("COM1.log", "_COM1.log"),
            ("com\u{b9}", "_com\u{b9}"),
            ("COM10.txt", "COM10.txt"),
            ("desktop.ini", "_desktop.ini"),
            ("desktop.png", "desktop.png"),
            ("name:stream", "name_stream"),
            ("a.exe\0.pdf", "a.exe.pdf"),
            ("annexe\u{202e}fdp.exe", "annexefdp.exe"),
            ("annexe\u{61c}\u{2066}fdp.exe", "annexefdp.exe"),
            ("a\u{2028}b\u{2029}c\u{ad}d\u{e0041}e\u{3164}f", "abcdef"),
            ("start.desk\u{200d}top", "start.desktop.download"),
            (".directory", "_directory"),
            ("autorun.inf", "autorun.inf.download"),
            ("trailing. . ", "trailing"),
            ("\u{3000}", "download"),
            (".\u{2003}.a", "_a"),
            ("start.desktop", "start.desktop.download"),
            ("a\r\nb", "ab"),
            ("e\u{301}.txt", "é.txt"),
        ] {
            assert_eq!(FileName::sanitized(hostile).as_str(), safe, "{hostile:?}");
        }
    }

    #[test]
    fn files_that_act_when_a_folder_is_opened_get_an_ending_that_does_not() {
        for acting in ["a.lnk", "a.SCF", "a.url", "a.exe.local", "a.Desktop", "a.library-ms"] {
            assert_eq!(FileName::sanitized(acting).as_str(), format!("{acting}.download"));
        }
        assert_eq!(FileName::sanitized("Desktop.INI").as_str(), "_Desktop.INI");
        assert_eq!(FileName::sanitized("a.txt:evil.exe").as_str(), "a.txt_evil.exe");
        assert_eq!(FileName::sanitized("a.lnk:$DATA").as_str(), "a.lnk_$DATA");
    }

    #[test]
    fn a_name_from_a_url_is_decoded_once_and_stays_inside() {
        for (url, name) in [
            ("https://example.org/a/b%20c.bin?x=1", "b c.bin"),
            ("https://example.org/", "download"),
            ("https://example.org/a/", "a"),
            ("https://example.org/%2e%2e%2fetc%2fpasswd", "passwd"),
            ("https://example.org/%252e%252e%252fetc", "%2e%2e%2fetc"),
        ] {
            assert_eq!(FileName::from_url(&Url::parse(url).unwrap()).as_str(), name, "{url}");
        }
    }

    #[test]
    fn a_name_tells_whether_a_page_may_have_it() {
        for (name, may_be, is_none) in [
            ("index.html", true, false),
            ("download.PHP", true, false),
            ("README", true, false),
            ("disk.ISO", false, true),
            ("a.tar.gz", false, true),
            ("notes.txt", false, false),
            ("release-1.2", false, false),
        ] {
            let file_name = FileName::sanitized(name);
            assert_eq!((file_name.may_be_page(), file_name.is_no_page()), (may_be, is_none), "{name}");
        }
        assert!(PAGES.iter().all(|page| !NO_PAGES.contains(page)));
    }

    #[test]
    fn a_name_that_is_given_is_taken_as_it_stands_or_not_at_all() {
        for (text, is_taken) in [
            ("a.iso", true),
            ("...", true),
            (&*"n".repeat(255), true),
            (&*"n".repeat(256), false),
            ("", false),
            (".", false),
            ("..", false),
            ("a/b", false),
            ("a\\b", false),
            ("a\nb", false),
            ("a\u{7f}b", false),
        ] {
            let name = text.parse::<FileName>().ok().map(String::from);
            assert_eq!(name.as_deref(), is_taken.then_some(text), "{text:?}");
        }
    }

    #[test]
    fn a_number_goes_before_the_extension() {
        for (name, numbered) in [
            ("a.iso", "a (1).iso"),
            ("a.tar.gz", "a (1).tar.gz"),
            ("a name of some length.iso", "a name of some length (1).iso"),
            ("sources.tar.gz", "sources (1).tar.gz"),
            ("README", "README (1)"),
            ("v1.2 final release notes", "v1.2 final release notes (1)"),
        ] {
            assert_eq!(FileName::sanitized(name).numbered(1).as_str(), numbered);
        }
    }

    proptest! {
        #[test]
        fn a_sanitized_name_is_always_safe_and_stays_itself(text in any::<String>()) {
            let name = FileName::sanitized(&text);
            prop_assert!(name.as_str().len() <= LONGEST_BYTES);
            prop_assert!(name.as_str().parse::<FileName>().is_ok());
            prop_assert!(!name.as_str().starts_with(['.', '-', '~', ' ']));
            prop_assert!(name.numbered(999).as_str().len() <= LONGEST_BYTES);
            prop_assert!(!FileName::is_treacherous(name.as_str()));
            prop_assert_eq!(FileName::sanitized(name.as_str()), name);
        }

        /// What is passed over is what every rule leaves as it stands.
        #[test]
        fn a_plain_name_is_one_that_no_rule_changes(
            stem in "[A-Za-z0-9._-]{0,4}|(?i)(con|nul|com[0-9]|lpt1|desktop|autorun|conin\\$)",
            ending in "(\\.[A-Za-z0-9_-]{0,3})?|(?i)\\.(lnk|url|ini|inf|desktop|local|search-ms)",
        ) {
            let name = format!("{stem}{ending}");
            prop_assert!(!is_plain(&name) || made_safe(&name) == name, "{}", name);
        }
    }
}
