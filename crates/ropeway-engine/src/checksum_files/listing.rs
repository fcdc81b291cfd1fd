//! Texts that tell checksums. They are what `sha256sum` prints, what BSD's `sha256` prints, and bare digits. Read
//! strictly: a line that is none of these says nothing.

use ropeway_model::{Algorithm, Digest};

/// Longer lines are no entries.
const LONGEST_LINE: usize = 4096;

/// Digest in a list of one file. It stands there as bare digits, or an entry with one of `names`.
pub(super) fn of_one(text: &str, algorithm: Algorithm, names: &[String]) -> Option<Digest> {
    let text = text.trim_start_matches('\u{feff}').trim();
    digest(text, algorithm).or_else(|| of_many(text, algorithm, names))
}

/// The digest of the file called one of `names` in a list of many. A list that tells two different digests of it tells
/// none.
pub(super) fn of_many(text: &str, algorithm: Algorithm, names: &[String]) -> Option<Digest> {
    let lines = text.lines().filter(|line| line.len() <= LONGEST_LINE);
    let entries = lines.filter_map(|line| gnu(line, algorithm).or_else(|| bsd(line, algorithm)));
    let mut found = entries.filter(|(_, name)| names.iter().any(|wanted| wanted == base(name)));
    let (first, _) = found.next()?;
    found.all(|(other, _)| other == first).then_some(first)
}

/// Whether a text is a page rather than what was asked for: servers greet a wrong address with one, and call it a
/// success.
pub(super) fn is_page(text: &str) -> bool {
    text.trim_start().starts_with('<')
}

/// `digits  name` or `digits *name`. A line that starts with a backslash has an escaped name; no file of ours has one
/// that needs that.
fn gnu(line: &str, algorithm: Algorithm) -> Option<(Digest, &str)> {
    let (digits, rest) = line.trim_end().split_once(' ')?;
    let name = rest.strip_prefix([' ', '*']).unwrap_or(rest);
    Some((digest(digits, algorithm)?, name)).filter(|(_, name)| !name.is_empty())
}

/// `SHA256 (name) = digits`.
fn bsd(line: &str, algorithm: Algorithm) -> Option<(Digest, &str)> {
    let (label, rest) = line.trim().split_once('(')?;
    let (name, digits) = rest.rsplit_once(')')?;
    let said: Algorithm = label.trim().parse().ok()?;
    let digits = digits.trim_start().strip_prefix('=')?.trim();
    (said == algorithm).then(|| digest(digits, algorithm)).flatten().map(|digest| (digest, name))
}

fn digest(digits: &str, algorithm: Algorithm) -> Option<Digest> {
    format!("{}:{digits}", algorithm.name()).parse().ok()
}

/// The last part of a path as it stands in a list.
fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    const B: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn many(text: &str) -> Option<String> {
        of_many(text, Algorithm::Sha256, &["a b.iso".to_owned(), "c.iso".to_owned()]).map(|digest| digest.hex())
    }

    #[test]
    fn entries_of_both_kinds_are_read_and_what_is_no_entry_is_not() {
        for (text, expected) in [
            (format!("{B}  other\n{A}  a b.iso\n"), Some(A)),
            (format!("{A} *a b.iso\r\n"), Some(A)),
            (format!("{} *c.iso", A.to_uppercase()), Some(A)),
            (format!("{A}  ./pool/c.iso"), Some(A)),
            (format!("SHA256 (a b.iso) = {A}"), Some(A)),
            (format!("SHA256(c.iso)= {A}"), Some(A)),
            (format!("SHA512 (c.iso) = {A}"), None),
            (format!("MD5 (c.iso) = {A}"), None),
            (format!("{A}  c.iso.sig"), None),
            (format!("\\{A}  c.iso"), None),
            (format!("{}  c.iso", &A[1..]), None),
            (format!("{A}  c.iso\n{B}  c.iso"), None),
            (format!("{A}  c.iso\n{A}  x/c.iso"), Some(A)),
            (format!("<html>{A}  c.iso</html>"), None),
            (A.to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(many(&text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_list_of_one_file_may_be_bare_digits() {
        let one = |text: &str| of_one(text, Algorithm::Sha256, &["c.iso".to_owned()]).map(|digest| digest.hex());
        for (text, expected) in [
            (format!("{A}\n"), Some(A)),
            (format!("\u{feff}{A}"), Some(A)),
            (format!("{A}  c.iso\n"), Some(A)),
            (format!("{A}  d.iso\n"), None),
            (format!("{A} {B}"), None),
            ("<!doctype html>".to_owned(), None),
        ] {
            assert_eq!(one(&text).as_deref(), expected, "{text}");
        }
    }
}
