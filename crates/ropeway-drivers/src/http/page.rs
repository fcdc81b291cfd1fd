//! Web pages in the place of a file. Logins, captive portals and error handlers send them with status 200.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, header::CONTENT_DISPOSITION};
use ropeway_model::{FileName, SafeUrl};

use super::coding;
use crate::{ByteStream, DriverError, Turn};

/// The media types of pages.
const PAGES: [&str; 2] = ["text/html", "application/xhtml+xml"];
/// The media types of messages from one program to another.
const MESSAGES: [&str; 6] = [
    "application/json",
    "application/problem+json",
    "text/json",
    "application/xml",
    "application/problem+xml",
    "text/xml",
];
/// Longest wait for the first bytes behind a head that announces a page.
const PATIENCE: Duration = Duration::from_secs(60);

/// Octets behind white space that tell what a body begins as; `<!doctype html` has fewer.
const ENOUGH: usize = 16;
/// Octets of a body that are looked at, where white space does not end.
const LONGEST_LOOK: usize = 1024;

/// Label of an answer that may stand in a file's place. Programs that forget to label what they send label archives so,
/// too: the label alone proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// A page.
    Page,
    /// A page that is offered as a file to keep.
    OfferedPage,
    /// A message, where the name promises something else.
    Message,
}

/// Label of the answer. `None` for what may well be the file that is to be saved as `name`.
pub(super) fn label(headers: &HeaderMap, name: &FileName) -> Option<Label> {
    let media_type = coding::media_type(headers);
    let is_one_of = |types: &[&str]| types.iter().any(|one| one.eq_ignore_ascii_case(media_type));
    if is_one_of(&PAGES) {
        let is_offered = headers.contains_key(CONTENT_DISPOSITION);
        return Some(if is_offered { Label::OfferedPage } else { Label::Page });
    }
    (is_one_of(&MESSAGES) && name.is_no_page()).then_some(Label::Message)
}

/// True where an answer with this head and beginning is a page.
pub(crate) fn is_page(headers: &HeaderMap, body: &[u8]) -> bool {
    let media_type = coding::media_type(headers);
    let is_labeled = PAGES.iter().any(|page| page.eq_ignore_ascii_case(media_type));
    is_labeled && !headers.contains_key(CONTENT_DISPOSITION) && begins(body, Label::Page)
}

/// Tells whether `body` begins as its label promises. Returns the same body, of which nothing is lost.
///
/// # Errors
/// [`DriverError::Silent`] if nothing of it comes. Another failure is the returned body's.
pub(super) async fn look(mut body: ByteStream, label: Label, url: &SafeUrl) -> Result<(bool, ByteStream), DriverError> {
    let (mut came, mut beginning) = (Vec::new(), Vec::new());
    let gathering = async {
        while !is_enough(&beginning) {
            let Some(chunk) = body.next().await else { return };
            let is_broken = chunk.is_err();
            beginning.extend_from_slice(chunk.as_deref().unwrap_or_default());
            came.push(chunk);
            if is_broken {
                return;
            }
        }
    };
    let is_late = tokio::time::timeout(PATIENCE, gathering).await.is_err();
    if is_late && beginning.is_empty() {
        return Err(DriverError::Silent { host: url.host(), turn: Turn::Send, waited_s: PATIENCE.as_secs() });
    }
    Ok((begins(&beginning, label), Box::pin(stream::iter(came).chain(body))))
}

/// Whether so much of a body tells what it begins as: some servers send a line's end, or a single character, ahead of the
/// rest.
fn is_enough(beginning: &[u8]) -> bool {
    beginning.len() >= LONGEST_LOOK || text(beginning).len() >= ENOUGH
}

/// What stands behind a byte order mark and white space.
fn text(beginning: &[u8]) -> &[u8] {
    beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning).trim_ascii_start()
}

/// Markup begins with `<`, a JSON text with `{` or `[`, behind a byte order mark and white space at most. No archive, image
/// or other binary does. What is offered as a file to keep must say that it is HTML.
fn begins(beginning: &[u8], label: Label) -> bool {
    let text = text(beginning);
    let begins = |with: &[u8]| text.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
    match label {
        Label::Page => begins(b"<"),
        Label::OfferedPage => begins(b"<!doctype html") || begins(b"<html") || begins(b"<head") || begins(b"<body"),
        Label::Message => begins(b"<") || begins(b"{") || begins(b"["),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderValue, header::CONTENT_TYPE};

    use super::*;

    #[test]
    fn a_page_begins_with_markup_and_a_message_as_one() {
        use Label::{Message, OfferedPage, Page};
        for (chunk, label, expected) in [
            ("<!doctype html>", Page, true),
            ("\u{feff}\r\n  <html>", Page, true),
            ("PK\u{3}\u{4}", Page, false),
            ("1,2,3 < 4", Page, false),
            ("", Page, false),
            ("<?xml version=\"1.0\"?><svg>", OfferedPage, false),
            ("\n<!DOCTYPE HTML><title>Sign in", OfferedPage, true),
            ("MZ", OfferedPage, false),
            ("{\"error\":1}", Message, true),
            (" [1]", Message, true),
            ("<Error>", Message, true),
            ("PK\u{3}\u{4}", Message, false),
        ] {
            assert_eq!(begins(chunk.as_bytes(), label), expected, "{chunk}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_in_small_chunks_is_looked_at_as_what_comes_in_one() {
        use Label::{Message, OfferedPage, Page};
        let url: SafeUrl = "http://files.example/setup.exe".parse().unwrap();
        let blank = " ".repeat(LONGEST_LOOK);
        for (text, label, expected) in [
            ("\n<html><title>Sign in</title>", Page, true),
            ("<", Page, true),
            ("\u{feff}\r\n\r\n<!doctype html><title>", OfferedPage, true),
            ("<?xml version=\"1.0\"?>", OfferedPage, false),
            ("\n{}", Message, true),
            ("\nMZ and so on, a program", Page, false),
            (blank.as_str(), Page, false),
            ("", Page, false),
        ] {
            for size in [1, 3, 2000] {
                for breaks in [false, true] {
                    let lost = || DriverError::ConnectionLost { host: url.host(), reason: String::new() };
                    let chunks: Vec<_> = text.as_bytes().chunks(size).map(Bytes::copy_from_slice).map(Ok).collect();
                    let body = Box::pin(stream::iter(chunks).chain(stream::iter(breaks.then(|| Err(lost())))));
                    let (is_page, body) = look(body, label, &url).await.unwrap();
                    assert_eq!(is_page, expected, "{text:?} {size} {breaks}");
                    let (came, broke): (Vec<_>, Vec<_>) =
                        body.collect::<Vec<_>>().await.into_iter().partition(Result::is_ok);
                    assert_eq!(came.into_iter().flatten().collect::<Vec<_>>().concat(), text.as_bytes());
                    assert_eq!(broke.len(), usize::from(breaks));
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_comes_late_is_judged_by_what_is_there_and_nothing_at_all_is_silence() {
        let url: SafeUrl = "http://files.example/setup.exe".parse().unwrap();
        let slow = |first: Option<&'static [u8]>| -> ByteStream {
            Box::pin(stream::iter(first.map(|chunk| Ok(Bytes::from_static(chunk)))).chain(stream::pending()))
        };
        let (is_page, mut body) = look(slow(Some(b"\n<")), Label::Page, &url).await.unwrap();
        assert!(is_page && body.next().await.unwrap().unwrap() == "\n<");
        assert!(matches!(look(slow(None), Label::Page, &url).await.err(), Some(DriverError::Silent { .. })));
    }

    #[test]
    fn sixteen_octets_behind_white_space_are_enough_and_so_is_a_kibibyte_of_it() {
        for (beginning, expected) in [
            (" ".repeat(LONGEST_LOOK), true),
            (" ".repeat(LONGEST_LOOK - 1), false),
            ("\n<!doctype html>x".to_owned(), true),
            ("\n<!doctype html>".to_owned(), false),
            ("\u{feff}\r\n<!doctype html>x".to_owned(), true),
        ] {
            assert_eq!(is_enough(beginning.as_bytes()), expected, "{} octets", beginning.len());
        }
    }

    #[test]
    fn a_message_is_only_suspected_where_the_name_promises_something_else() {
        let labeled = |media_type: &'static str, disposition: Option<&'static str>, name: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
            headers.extend(disposition.map(|value| (CONTENT_DISPOSITION, HeaderValue::from_static(value))));
            label(&headers, &FileName::sanitized(name))
        };
        for (media_type, disposition, name, expected) in [
            ("text/html; charset=utf-8", None, "a.zip", Some(Label::Page)),
            ("text/html", Some("attachment"), "setup.exe", Some(Label::OfferedPage)),
            ("application/json", None, "f.zip", Some(Label::Message)),
            ("application/problem+json", Some("attachment"), "f.zip", Some(Label::Message)),
            ("application/json", None, "data.json", None),
            ("application/json", None, "data", None),
            ("application/octet-stream", None, "f.zip", None),
        ] {
            assert_eq!(labeled(media_type, disposition, name), expected, "{media_type} {name}");
        }
    }
}
