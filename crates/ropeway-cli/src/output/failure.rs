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
    run::{End, RunState},
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
    let uploads = state.open().filter(|job| matches!(job.direction, DirectionView::Upload)).count() as u64;
    to_stderr(&interruption(state.sums().open() - uploads, uploads));
}

/// Prints what a signal means for a download to a stream.
pub(crate) fn interrupted_stream() {
    to_stderr("interrupted: 1 download is unfinished; a stream keeps nothing to resume");
}

/// What is true of each direction: a download's bytes are on the disk, an upload's end with its request.
fn interruption(downloads: u64, uploads: u64) -> String {
    let are = |count| if count == 1 { "is" } else { "are" };
    let down = format!("{} {} unfinished and what came is kept", counted(downloads, "download"), are(downloads));
    let begin = if uploads == 1 { "begins" } else { "begin" };
    let up = format!(
        "{} {} unfinished and {begin} again: the server keeps nothing of a file that ends early",
        counted(uploads, "upload"),
        are(uploads),
    );
    let said = match (downloads, uploads) {
        (_, 0) => down,
        (0, _) => up,
        _ => format!("{down}; {up}"),
    };
    let end = if uploads == 0 { "to resume" } else { "to go on" };
    format!("interrupted: {said}; run the same command again {end}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ropeway_api::view::FailureView;

    use super::*;
    use crate::run::{Queue, tests::row};

    #[test]
    fn an_interruption_says_of_each_direction_what_is_kept() {
        let down =
            "interrupted: 2 downloads are unfinished and what came is kept; run the same command again to resume";
        assert_eq!(interruption(2, 0), down);
        assert!(interruption(1, 0).starts_with("interrupted: 1 download is unfinished"));
        assert!(interruption(1, 2).contains("; 2 uploads are unfinished and begin again"));
        let up = interruption(0, 1);
        assert!(
            up.contains("1 upload is unfinished and begins again")
                && up.contains("keeps nothing")
                && !up.contains("resume"),
            "{up}"
        );
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
