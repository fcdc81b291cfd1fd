//! Web pages: what logins, captive portals and error handlers send in the place of a file, with status 200.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, header::CONTENT_DISPOSITION};
use ropeway_model::{FileName, SafeUrl};

use super::coding;
use crate::{ByteStream, DriverError};

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

/// What an answer is labeled as that may stand in the place of a file. Programs that forget to label what they send label
/// archives so, too: the label alone proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// A page.
    Page,
    /// A page that is offered as a file to keep.
    OfferedPage,
    /// A message, where the name promises something else.
    Message,
}

/// What the answer is labeled as; `None` for what may well be the file that is to be saved as `name`.
pub(super) fn label(headers: &HeaderMap, name: &FileName) -> Option<Label> {
    let media_type = coding::media_type(headers);
    let is_one_of = |types: &[&str]| types.iter().any(|one| one.eq_ignore_ascii_case(media_type));
    if is_one_of(&PAGES) {
        let is_offered = headers.contains_key(CONTENT_DISPOSITION);
        return Some(if is_offered { Label::OfferedPage } else { Label::Page });
    }
    (is_one_of(&MESSAGES) && name.is_no_page()).then_some(Label::Message)
}

/// Whether an answer with this head and beginning is a page.
pub(crate) fn is_page(headers: &HeaderMap, body: &[u8]) -> bool {
    let media_type = coding::media_type(headers);
    let is_labeled = PAGES.iter().any(|page| page.eq_ignore_ascii_case(media_type));
    is_labeled && !headers.contains_key(CONTENT_DISPOSITION) && begins(body, Label::Page)
}

/// Whether `body` begins as what it is labeled as does, and the same body, of which nothing is lost.
///
/// # Errors
/// [`DriverError::Silent`] if nothing of it comes. Another failure is the returned body's.
pub(super) async fn look(mut body: ByteStream, label: Label, url: &SafeUrl) -> Result<(bool, ByteStream), DriverError> {
    let silent = |_| DriverError::Silent { host: url.host(), waited_s: PATIENCE.as_secs() };
    let Some(first) = tokio::time::timeout(PATIENCE, body.next()).await.map_err(silent)? else {
        return Ok((false, body));
    };
    let is_page = first.as_ref().is_ok_and(|first| begins(first, label));
    Ok((is_page, Box::pin(stream::iter([first]).chain(body))))
}

/// Markup begins with `<`, a JSON text with `{` or `[`, behind a byte order mark and white space at most. No archive, image
/// or other binary does. What is offered as a file to keep must say that it is HTML.
fn begins(chunk: &[u8], label: Label) -> bool {
    let text = chunk.strip_prefix(b"\xef\xbb\xbf").unwrap_or(chunk).trim_ascii_start();
    let begins = |with: &[u8]| text.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
    match label {
        Label::Page => begins(b"<"),
        Label::OfferedPage => begins(b"<!doctype html") || begins(b"<html") || begins(b"<head") || begins(b"<body"),
        Label::Message => begins(b"<") || begins(b"{") || begins(b"["),
    }
}

#[cfg(test)]
mod tests {
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
