//! Failures on stderr: what, why under which code, and the next step.

use ropeway_api::{
    command::{ALREADY_ADDED, Refusal},
    view::NoticeView,
};

use crate::{
    error::CommandError,
    output::{text::plain, to_stderr},
    run::End,
};

/// Prints a command's refusal.
pub(crate) fn complain(error: &CommandError) {
    to_stderr(&text("ropeway", &error.code(), &error.to_string(), error.hint()));
}

/// Prints what the user should know and no job tells.
pub(crate) fn tell(notice: &NoticeView) {
    let kind = if notice.is_blocking { "ropeway" } else { "warning" };
    to_stderr(&text(kind, &notice.code, &notice.message, &notice.hint));
}

/// Prints why an input became no job.
pub(crate) fn refuse(refusal: &Refusal) {
    if refusal.code == ALREADY_ADDED {
        to_stderr(&format!("{}: {}", plain(&refusal.input), plain(&refusal.message)));
        return;
    }
    to_stderr(&text(&refusal.input, &refusal.code, &refusal.message, &refusal.hint));
}

/// Prints why a job is not complete; nothing if it is.
pub(crate) fn report(end: &End) {
    let source = &end.job.source;
    if let Some(failure) = end.failure() {
        to_stderr(&text(source, &failure.code, &failure.message, &failure.hint));
    } else if !end.is_complete() {
        to_stderr(&text(source, "CANCELED", "another program took the job off the list", "Run the command again."));
    }
}

/// Prints what a signal means for the `open` jobs.
pub(crate) fn interrupted(open: u64) {
    let jobs = if open == 1 { "1 job is".to_owned() } else { format!("{open} jobs are") };
    to_stderr(&format!(
        "interrupted: {jobs} unfinished and what was moved is kept; run the same command again to resume"
    ));
}

fn text(what: &str, code: &str, message: &str, hint: &str) -> String {
    format!("{}: {code}: {}\n  hint: {}", plain(what), plain(message), plain(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_two_lines_whatever_the_server_says() {
        let had = text("http://example.org/a", "HTTP_GONE", "gone\nfor \u{1b}[1mgood", "Get a new link.");
        let expected = "http://example.org/a: HTTP_GONE: gone\u{fffd}for \u{fffd}[1mgood\n  hint: Get a new link.";
        assert_eq!(had, expected);
    }
}
