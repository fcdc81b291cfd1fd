//! Failures on stderr: what, why under which code, and the next step.

use std::path::Path;

use ropeway_api::{
    command::{ALREADY_ADDED, LEFT_OUT, Refusal},
    view::{DirectionView, NoticeView, PhaseView},
};
use ropeway_model::counted;

use crate::{
    error::CommandError,
    output::text::size,
    run::{End, RunState, is_kept_by_server},
    terminal::{failure_text, plain, to_stderr},
};

/// Prints a command's refusal.
pub(crate) fn complain(error: &CommandError) {
    error.complaint().print();
}

/// Prints what the user should know and no job tells.
pub(crate) fn tell(notice: &NoticeView) {
    let kind = if notice.is_blocking { "ropeway" } else { "warning" };
    to_stderr(&failure_text(kind, &notice.code, &notice.message, &notice.hint));
}

/// Prints why an input became no job.
pub(crate) fn refuse(refusal: &Refusal) {
    let message = plain(&refusal.message);
    match refusal.code.as_str() {
        ALREADY_ADDED => to_stderr(&format!("{}: {message}", plain(&refusal.input))),
        LEFT_OUT => to_stderr(&format!("notice: {message}")),
        code => to_stderr(&failure_text(&refusal.input, code, &message, &refusal.hint)),
    }
}

/// Prints why a job is not complete; nothing if it is.
pub(crate) fn report(end: &End) {
    let source = &end.job.source;
    if let Some(failure) = end.failure() {
        let hint = end.hint().unwrap_or_default();
        let kept = kept(end).map(|kept| format!("\n  kept: {kept}")).unwrap_or_default();
        to_stderr(&(failure_text(source, &failure.code, &failure.message, &hint) + &kept));
    } else if !end.is_complete() {
        let message = "it was canceled or taken off the list meanwhile";
        to_stderr(&failure_text(source, "CANCELED", message, "Add it again if you still want it."));
    }
}

/// What a failed download has on the disk, and where.
fn kept(end: &End) -> Option<String> {
    let job = &end.job;
    let goes_on =
        matches!(&job.phase, PhaseView::Failed { failure } | PhaseView::LinkExpired { failure } if failure.can_resume);
    if !goes_on || job.progress.durable == 0 || !matches!(job.direction, DirectionView::Download) {
        return None;
    }
    let part = ropeway_engine::part_path(&Path::new(&job.destination).join(&job.name));
    Some(format!("{} in {}", size(job.progress.durable), plain(&part.to_string_lossy())))
}

/// Prints what a signal means for the open jobs.
pub(crate) fn interrupted(state: &RunState) {
    let uploads = || state.open().filter(|job| matches!(job.direction, DirectionView::Upload));
    let (all, kept) = (uploads().count() as u64, uploads().filter(|job| is_kept_by_server(job)).count() as u64);
    to_stderr(&interruption(state.sums().open() - all, kept, all - kept));
}

/// Prints what a signal means for a download to a stream.
pub(crate) fn interrupted_stream() {
    to_stderr("interrupted: 1 download is unfinished; a stream keeps nothing to resume");
}

/// What is true of each: a download's bytes are on the disk, those of an upload `kept` by its server or, where it ends with
/// its request, by nobody.
fn interruption(downloads: u64, kept: u64, lost: u64) -> String {
    let unfinished = |count, what| {
        let are = if count == 1 { "is" } else { "are" };
        format!("{} {are} unfinished", counted(count, what))
    };
    let begin = if lost == 1 { "begins" } else { "begin" };
    let said: Vec<String> = [
        (downloads, format!("{} and what came is kept", unfinished(downloads, "download"))),
        (kept, format!("{} and what the server has is kept", unfinished(kept, "upload"))),
        (
            lost,
            format!(
                "{} and {begin} again: the server keeps nothing of a file that ends early",
                unfinished(lost, "upload")
            ),
        ),
    ]
    .into_iter()
    .filter_map(|(count, said)| (count > 0).then_some(said))
    .collect();
    let end = match (downloads + kept, lost) {
        (_, 0) => "to resume",
        (0, 1) => "to send it",
        (0, _) => "to send them",
        _ => "to go on",
    };
    format!("interrupted: {}; run the same command again {end}", said.join("; "))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ropeway_api::view::FailureView;

    use super::*;
    use crate::run::{Queue, tests::row};

    #[test]
    fn an_interruption_says_of_each_what_is_kept_and_what_the_same_command_does() {
        for (counts, said) in [
            ((2, 0, 0), "2 downloads are unfinished and what came is kept; run the same command again to resume"),
            ((0, 1, 0), "1 upload is unfinished and what the server has is kept; run the same command again to resume"),
            (
                (0, 0, 1),
                "1 upload is unfinished and begins again: the server keeps nothing of a file that ends early; run the same command again to send it",
            ),
            (
                (1, 1, 2),
                "1 download is unfinished and what came is kept; 1 upload is unfinished and what the server has is kept; 2 uploads are unfinished and begin again: the server keeps nothing of a file that ends early; run the same command again to go on",
            ),
        ] {
            assert_eq!(interruption(counts.0, counts.1, counts.2), format!("interrupted: {said}"));
        }
    }

    #[test]
    fn a_failed_download_names_the_part_file_that_goes_on() {
        let failed = |can_resume, moved| {
            let (code, message, hint) = (String::new(), String::new(), String::new());
            let failure = FailureView { status: None, code, message, hint, can_resume };
            End { job: row(1, PhaseView::Failed { failure }, moved), took: Duration::ZERO, seen: 0, queue: Queue::Own }
        };
        assert_eq!(kept(&failed(true, 50)).as_deref(), Some("50 B in /downloads/1.bin.part"));
        assert_eq!((kept(&failed(true, 0)), kept(&failed(false, 50))), (None, None));
    }
}
