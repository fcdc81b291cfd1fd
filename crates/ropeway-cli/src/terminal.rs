//! Lines for the two streams, whatever becomes of their readers.

use std::{
    borrow::Cow,
    io::{self, Write as _},
    sync::Mutex,
};

use ropeway_model::hides;

/// Why stdout did not take everything, the first time.
static LOST: Mutex<Option<io::Error>> = Mutex::new(None);

/// Writes a line to stdout. A reader that has gone away, or a full volume, ends the output and not the transfers;
/// [`lost_output`] tells of it.
pub(crate) fn to_stdout(line: &str) {
    let mut stdout = io::stdout().lock();
    note(writeln!(stdout, "{line}").and_then(|()| stdout.flush()));
}

/// Keeps in mind that stdout did not take something.
pub(crate) fn note(written: io::Result<()>) {
    if let (Err(error), Ok(mut lost)) = (written, LOST.lock()) {
        lost.get_or_insert(error);
    }
}

/// Why stdout did not take everything; `None` if it did.
pub(crate) fn lost_output() -> Option<io::Error> {
    LOST.lock().ok()?.take()
}

/// Writes a line to stderr, likewise.
pub(crate) fn to_stderr(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// `text` without what a terminal would act on: escape sequences, line breaks, direction overrides. Names and messages
/// come from servers.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if text.contains(hides) { text.replace(hides, "\u{fffd}").into() } else { text.into() }
}

/// Two lines for what was refused: why, under which code, and the next step.
pub(crate) fn failure_text(what: &str, code: &str, message: &str, hint: &str) -> String {
    format!("{}: {code}: {}\n  hint: {}", plain(what), plain(message), plain(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_sends_cannot_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[31m\r\nb\u{202e}"), "a\u{fffd}[31m\u{fffd}\u{fffd}b\u{fffd}");
        assert!(matches!(plain("файл – 文件.bin"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_failure_is_two_lines_whatever_the_server_says() {
        let had = failure_text("http://example.org/a", "HTTP_GONE", "gone\nfor \u{1b}[1mgood", "Get a new link.");
        let expected = "http://example.org/a: HTTP_GONE: gone\u{fffd}for \u{fffd}[1mgood\n  hint: Get a new link.";
        assert_eq!(had, expected);
    }
}
