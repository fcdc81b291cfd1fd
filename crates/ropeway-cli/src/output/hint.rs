//! Next steps of the user, with the command that takes each.
//!
//! A failure's own hint is the same for window, page and command line. Here it is said in flags and commands, and what a
//! command cannot mend is not offered: a job whose link has expired is not helped by `resume`.

use std::borrow::Cow;

use ropeway_api::view::{BlockerView, DirectionView, FailureView, JobView, PhaseView};
use ropeway_model::FailureCode;

use crate::run::Queue;

/// Failures that another link mends, and the same link once more does not.
const MENDED_BY_LINK: [FailureCode; 5] = [
    FailureCode::RenewedLinkDiffers,
    FailureCode::NotFound,
    FailureCode::Gone,
    FailureCode::Unauthorized,
    FailureCode::Forbidden,
];

/// The sentence to show with a failure of this job.
pub(crate) fn hint<'a>(job: &JobView, failure: &'a FailureView, queue: Queue) -> Cow<'a, str> {
    if failure.code != FailureCode::FileExists.code() || !matches!(job.direction, DirectionView::Download) {
        return failure.hint.as_str().into();
    }
    match (queue, &job.phase) {
        (Queue::Own, _) => "Choose with --on-conflict rename or --on-conflict overwrite, keep what is there with \
                            --skip-existing, or save it elsewhere with -o or -d."
            .into(),
        // It only has to be answered.
        (Queue::Running, PhaseView::Blocked { .. }) => failure.hint.as_str().into(),
        (Queue::Running, _) => "Move that file away first; or remove the job and add it with --on-conflict rename or \
                                --on-conflict overwrite."
            .into(),
    }
}

/// The command that helps a job of the running queue which waits for its user; `None` where none does.
pub(crate) fn next_command(job: &JobView) -> Option<String> {
    let id = job.id;
    let renew = || format!("ropeway renew {id} URL");
    match &job.phase {
        PhaseView::LinkExpired { .. } => Some(renew()),
        PhaseView::Blocked { by: BlockerView::NameTaken, .. } => {
            Some(format!("ropeway answer {id} rename, overwrite or fail"))
        }
        PhaseView::Failed { failure } if wants_link(job, failure) => Some(renew()),
        PhaseView::Failed { .. } => Some(format!("ropeway resume {id}")),
        _ => None,
    }
}

fn wants_link(job: &JobView, failure: &FailureView) -> bool {
    matches!(job.direction, DirectionView::Download) && MENDED_BY_LINK.iter().any(|code| code.code() == failure.code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::row;

    fn failure(code: FailureCode) -> FailureView {
        let hint = code.hint().text().to_owned();
        FailureView { status: None, code: code.code().to_owned(), message: String::new(), hint, can_resume: true }
    }

    #[test]
    fn the_command_named_is_one_that_mends_the_failure() {
        let failed = |code| next_command(&row(3, PhaseView::Failed { failure: failure(code) }, 0)).unwrap();
        for code in MENDED_BY_LINK {
            assert_eq!(failed(code), "ropeway renew 3 URL", "{code}");
        }
        assert_eq!(failed(FailureCode::ConnectionLost), "ropeway resume 3");
        let mut upload = row(3, PhaseView::Failed { failure: failure(FailureCode::Forbidden) }, 0);
        upload.direction = DirectionView::Upload;
        assert_eq!(next_command(&upload).unwrap(), "ropeway resume 3", "an upload has no link");
        let blocked = |by| row(7, PhaseView::Blocked { by, failure: failure(FailureCode::FileExists) }, 0);
        assert_eq!(next_command(&blocked(BlockerView::Room)), None);
        let asking = next_command(&blocked(BlockerView::NameTaken));
        assert_eq!(asking.as_deref(), Some("ropeway answer 7 rename, overwrite or fail"));
        let expired = row(8, PhaseView::LinkExpired { failure: failure(FailureCode::Forbidden) }, 0);
        assert_eq!(next_command(&expired).as_deref(), Some("ropeway renew 8 URL"));
    }

    #[test]
    fn a_taken_name_names_the_flags_that_decide() {
        let failure = failure(FailureCode::FileExists);
        let job = row(1, PhaseView::Failed { failure: failure.clone() }, 0);
        for queue in [Queue::Own, Queue::Running] {
            let hint = hint(&job, &failure, queue);
            assert!(hint.contains("--on-conflict rename") && hint.contains("--on-conflict overwrite"), "{hint}");
        }
    }
}
