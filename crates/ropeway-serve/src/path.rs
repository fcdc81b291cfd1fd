//! Which file below the root a request names.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use ropeway_model::hides;
use unicode_normalization::UnicodeNormalization;

use crate::{refusal::Refusal, upload::draft::is_draft_name};

/// Longest path in bytes as requested; Linux opens none beyond.
const LONGEST_PATH_BYTES: usize = 4096;
/// Longest name in bytes that file systems take.
const LONGEST_NAME_BYTES: usize = 255;
/// Folders below each other.
const DEEPEST: usize = 64;
/// What stays readable in a URL's path segment (RFC 3986 §3.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What becomes of names that begin with a dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hidden {
    /// They are files like all others.
    Plain,
    /// They are not there, and nobody makes one.
    Refused,
}

/// The way from the root to a file or folder: plain names, none of which leads up or sideways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServedPath {
    folders: Vec<String>,
    name: Option<String>,
}

impl ServedPath {
    /// The path of a request target.
    ///
    /// Each segment is decoded exactly once, after the path has been taken apart, so that an encoded separator cannot
    /// make two names of one.
    ///
    /// # Errors
    /// Why it is not plain, for who uploads; to who downloads, such a path does not exist.
    pub(crate) fn parse(path: &str, hidden: Hidden) -> Result<Self, Refusal> {
        let plain_name = |segment| plain_name(segment, hidden);
        if path.len() > LONGEST_PATH_BYTES {
            return Err(Refusal::PathTooLong);
        }
        let mut segments: Vec<&str> = path.strip_prefix('/').ok_or(Refusal::BadName)?.split('/').collect();
        let last = segments.pop().unwrap_or_default();
        if segments.len() > DEEPEST {
            return Err(Refusal::PathTooLong);
        }
        let folders = segments.into_iter().map(&plain_name).collect::<Result<Vec<_>, _>>()?;
        // A path that ends in a slash names the folder itself.
        let name = if last.is_empty() { None } else { Some(plain_name(last)?) };
        Ok(Self { folders, name })
    }

    /// The same path with its names as they are stored: letters composed (NFC), as those of forms are. Two names that
    /// look the same are the same.
    pub(crate) fn composed(&self) -> Self {
        let composed = |name: &String| name.nfc().collect::<String>();
        Self { folders: self.folders.iter().map(composed).collect(), name: self.name.as_ref().map(composed) }
    }

    /// The folders on the way, outermost first.
    pub(crate) fn folders(&self) -> &[String] {
        &self.folders
    }

    /// The file's name; `None` if the path names a folder.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The same path as a folder, whether or not it was written with its slash.
    pub(crate) fn into_folder(mut self) -> Self {
        self.folders.extend(self.name.take());
        self
    }

    /// The request target of the file `name` in this path's folder.
    pub(crate) fn url_of(&self, name: &str) -> String {
        let mut url = String::new();
        for segment in self.folders.iter().map(String::as_str).chain([name]) {
            url.push('/');
            url.extend(utf8_percent_encode(segment, SEGMENT));
        }
        url
    }
}

/// The name one path segment stands for.
fn plain_name(segment: &str, hidden: Hidden) -> Result<String, Refusal> {
    let name = percent_decode_str(segment).decode_utf8().map_err(|_| Refusal::NotUnicode)?;
    if name.is_empty() {
        return Err(Refusal::EmptyName);
    }
    // Whatever begins with two dots is taken for the way upwards by some reader of paths.
    if name == "." || name.starts_with("..") || is_draft_name(&name) || name.chars().any(is_dangerous) {
        return Err(Refusal::BadName);
    }
    if name.starts_with('.') && hidden == Hidden::Refused {
        return Err(Refusal::HiddenName);
    }
    if name.len() > LONGEST_NAME_BYTES { Err(Refusal::NameTooLong) } else { Ok(name.into_owned()) }
}

/// Separators, of Windows too; controls; and what makes a name look like another.
fn is_dangerous(character: char) -> bool {
    matches!(character, '/' | '\\') || hides(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &str) -> Result<ServedPath, Refusal> {
        ServedPath::parse(path, Hidden::Refused)
    }

    #[test]
    fn a_path_may_be_so_deep_and_no_deeper() {
        let path = |folders: usize| format!("{}/f", "/a".repeat(folders));
        assert_eq!(parse(&path(DEEPEST)).unwrap().folders().len(), DEEPEST);
        assert_eq!(parse(&path(DEEPEST + 1)), Err(Refusal::PathTooLong));
    }

    #[test]
    fn a_plain_path_is_taken_apart_and_decoded_once() {
        for (path, folders, name) in [
            ("/", vec![], None),
            ("/a.iso", vec![], Some("a.iso")),
            ("/a/b%20c/d.txt", vec!["a", "b c"], Some("d.txt")),
            ("/a/", vec!["a"], None),
            ("/%E2%82%AC.txt", vec![], Some("€.txt")),
            ("/100%25.txt", vec![], Some("100%.txt")),
            ("/%252e%252e%252fetc", vec![], Some("%2e%2e%2fetc")),
            ("/a:b", vec![], Some("a:b")),
        ] {
            let parsed = parse(path).unwrap();
            assert_eq!(
                (parsed.folders(), parsed.name()),
                (&*folders.iter().map(|f| (*f).to_owned()).collect::<Vec<_>>(), name),
                "{path}"
            );
        }
    }

    #[test]
    fn a_path_that_is_not_plain_names_nothing() {
        use Refusal::{EmptyName, HiddenName, NameTooLong, NotUnicode, PathTooLong};
        for (path, expected) in [
            (format!("//{}", "a".repeat(256)), EmptyName),
            ("/a//b".to_owned(), EmptyName),
            ("/%ff".to_owned(), NotUnicode),
            ("/a/%c0%ae".to_owned(), NotUnicode),
            ("/a/.env".to_owned(), HiddenName),
            (format!("/{}", "a".repeat(256)), NameTooLong),
            (format!("/{}/a", "%C3%A9".repeat(128)), NameTooLong),
            (format!("/{}", "a/".repeat(DEEPEST + 1)), PathTooLong),
            (format!("/{}", "a".repeat(LONGEST_PATH_BYTES)), PathTooLong),
        ] {
            assert_eq!(parse(&path), Err(expected), "{path:.40}");
        }
        assert!(parse(&format!("/{}", "a".repeat(255))).is_ok());
        for path in [
            "",
            "a",
            "/..",
            "/../etc/passwd",
            "/a/../b",
            "/./a",
            "//a",
            "/a//b",
            "/%2e%2e/a",
            "/%2e%2e%2fetc",
            "/a%2fb",
            "/..%5cboot.ini",
            "/a%5c..%5cb",
            "/a\\b",
            "/.git/config",
            "/%2egit",
            "/a/.env",
            "/a%00.txt",
            "/a%0d%0ab",
            "/%7f",
            "/%c2%85",
            "/%ff",
            "/%c0%ae%c0%ae/",
            "/..;/a",
            "/annexe%e2%80%aefdp.exe",
            "/annexe%d8%9cfdp.exe",
            "/a%e2%80%a8b",
            "/...",
        ] {
            assert!(parse(path).is_err(), "{path}");
        }
    }

    #[test]
    fn a_name_with_a_leading_dot_is_one_where_it_is_wanted() {
        for path in ["/.gitignore", "/a/.git/config", "/%2egit/x", "/.a.upload-0123"] {
            assert!(ServedPath::parse(path, Hidden::Plain).is_ok(), "{path}");
            assert_eq!(ServedPath::parse(path, Hidden::Refused), Err(Refusal::HiddenName), "{path}");
        }
        for path in ["/.", "/..", "/...", "/..a", "/..;/a", "/a/../b", "/%2e%2e/a", "/.a.iso.upload-0123456789abcdef"] {
            assert_eq!(ServedPath::parse(path, Hidden::Plain), Err(Refusal::BadName), "{path}");
        }
    }

    #[test]
    fn names_that_look_the_same_are_stored_as_one() {
        let decomposed = parse("/e%CC%81/u%CC%88.txt").unwrap();
        assert_eq!(decomposed.composed(), parse("/%C3%A9/%C3%BC.txt").unwrap());
        assert_eq!(decomposed.composed().url_of("x"), "/%C3%A9/x");
    }

    #[test]
    fn a_url_leads_back_to_the_file() {
        let folder = parse("/a%20b/").unwrap();
        let url = folder.url_of("50% (1)#?.txt");
        assert_eq!(url, "/a%20b/50%25%20%281%29%23%3F.txt");
        assert_eq!(parse(&url).unwrap().name(), Some("50% (1)#?.txt"));
        assert_eq!(parse("/a%20b").unwrap().into_folder(), folder);
    }
}
