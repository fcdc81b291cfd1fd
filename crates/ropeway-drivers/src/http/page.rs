//! Web pages: what logins, captive portals and error handlers send in the place of a file, with status 200.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, header::CONTENT_DISPOSITION};
use ropeway_model::SafeUrl;

use super::coding;
use crate::{ByteStream, DriverError};

/// The media types of pages.
const TYPES: [&str; 2] = ["text/html", "application/xhtml+xml"];
/// Longest wait for the first bytes behind a head that announces a page.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether the answer is labeled as a page, and not offered as a file to keep. Programs that forget to label what they
/// send label archives so, too: the label alone proves nothing.
pub(crate) fn is_labeled(headers: &HeaderMap) -> bool {
    let media_type = coding::media_type(headers);
    let is_page = TYPES.iter().any(|page| page.eq_ignore_ascii_case(media_type));
    is_page && !headers.contains_key(CONTENT_DISPOSITION)
}

/// Whether `body` begins as a page does, and the same body, of which nothing is lost.
///
/// # Errors
/// [`DriverError::Silent`] if nothing of it comes. Another failure is the returned body's.
pub(super) async fn look(mut body: ByteStream, url: &SafeUrl) -> Result<(bool, ByteStream), DriverError> {
    let silent = |_| DriverError::Silent { host: url.host(), waited_s: PATIENCE.as_secs() };
    let Some(first) = tokio::time::timeout(PATIENCE, body.next()).await.map_err(silent)? else {
        return Ok((false, body));
    };
    let is_page = first.as_ref().is_ok_and(|chunk| begins(chunk));
    Ok((is_page, Box::pin(stream::iter([first]).chain(body))))
}

/// Markup begins with `<`, behind a byte order mark and white space at most. No archive, image or other binary does.
pub(crate) fn begins(chunk: &[u8]) -> bool {
    let text = chunk.strip_prefix(b"\xef\xbb\xbf").unwrap_or(chunk);
    text.trim_ascii_start().first() == Some(&b'<')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_with_markup() {
        for (chunk, expected) in [
            ("<!doctype html>", true),
            ("\u{feff}\r\n  <html>", true),
            ("PK\u{3}\u{4}", false),
            ("1,2,3 < 4", false),
            ("", false),
        ] {
            assert_eq!(begins(chunk.as_bytes()), expected, "{chunk}");
        }
    }
}
