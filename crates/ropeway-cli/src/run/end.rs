//! A job that came to its end, and sums over jobs.

use std::{path::Path, time::Duration};

use ropeway_api::view::{DirectionView, FailureView, JobView, PhaseView, VerificationView};
use ropeway_model::{UploadName, UploadTarget};

use crate::output::hint;

/// Whose queue a job belongs to, which decides what its user can do about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Queue {
    /// This command's own: the same command with other flags is the next step.
    #[default]
    Own,
    /// The running desktop app's or daemon's: other commands steer it.
    Running,
}

/// A job that is not going to move any more.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct End {
    /// Its last row.
    pub(crate) job: JobView,
    /// How long this process saw it move.
    pub(crate) took: Duration,
    /// Bytes that it saw move.
    pub(crate) seen: u64,
    /// Whose it is.
    pub(crate) queue: Queue,
}

impl End {
    /// Whether it is complete.
    pub(crate) const fn is_complete(&self) -> bool {
        matches!(self.job.phase, PhaseView::Completed)
    }

    /// Whether it took a file that was there already for its own.
    pub(crate) fn was_there(&self) -> bool {
        let progress = &self.job.progress;
        self.is_complete()
            && matches!(self.job.direction, DirectionView::Download)
            && progress.moved == 0
            && progress.length.is_some_and(|length| length > 0)
    }

    /// The remote end, secrets hidden: where a download came from, or the very address an upload went to.
    pub(crate) fn url(&self) -> String {
        match self.job.direction {
            DirectionView::Download => self.job.source.clone(),
            DirectionView::Upload => {
                let told = self.job.stored_at.clone().or_else(|| upload_url(&self.job));
                told.unwrap_or_else(|| self.job.destination.clone())
            }
        }
    }

    /// Whether the server chose the name of what was sent and does not say it: a form tells how the file is called here, and
    /// no more.
    pub(crate) fn is_named_by_server(&self) -> bool {
        matches!(self.job.direction, DirectionView::Upload)
            && self.job.stored_at.is_none()
            && target(&self.job).is_some_and(|target| target.protocol().is_named_by_server())
    }

    /// True where the server keeps what it has of a stopped upload.
    pub(crate) fn is_kept_by_server(&self) -> bool {
        is_kept_by_server(&self.job)
    }

    /// Why it is not complete, if it failed.
    pub(crate) const fn failure(&self) -> Option<&FailureView> {
        match &self.job.phase {
            PhaseView::Failed { failure } | PhaseView::LinkExpired { failure } => Some(failure),
            _ => None,
        }
    }

    /// The user's next step, if it failed; in a running queue with the command that takes it.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = hint::hint(&self.job, self.failure()?, self.queue);
        let next = (self.queue == Queue::Running).then(|| hint::next_command(&self.job)).flatten();
        Some(next.map_or_else(|| hint.to_string(), |command| format!("{hint} Next: {command}")))
    }

    /// Whether something but the program's own count speaks for the file: a checksum, or the announced length.
    pub(crate) const fn is_verified(&self) -> bool {
        self.is_complete() && !matches!(self.job.verification, None | Some(VerificationView::Unverified))
    }
}

/// Where an upload goes; only what is shown of the target is known here, and that is enough.
fn target(job: &JobView) -> Option<UploadTarget> {
    job.destination.parse().ok()
}

/// True where an upload goes on behind what its server has.
pub(crate) fn is_kept_by_server(job: &JobView) -> bool {
    target(job).is_some_and(|target| target.protocol().resumes())
}

/// A folder gets the file's name.
fn upload_url(job: &JobView) -> Option<String> {
    let target = target(job)?;
    let from = job.path.as_deref().unwrap_or(&job.source);
    Some(target.url_for(&UploadName::of(Path::new(from))).to_string())
}

/// Sums over the jobs of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    /// Jobs that were added.
    pub(crate) jobs: u64,
    /// Jobs at their end.
    pub(crate) ended: u64,
    /// Those of them that are not complete.
    pub(crate) failed: u64,
    /// Bytes moved.
    pub(crate) moved: u64,
    /// Bytes of all files; `None` while one of them is unknown.
    pub(crate) length: Option<u64>,
    /// Bytes a second.
    pub(crate) rate: u64,
}

impl Sums {
    /// How many of several jobs are complete, and how many are not, in a few words.
    pub(crate) fn closing(&self) -> Option<String> {
        let complete = self.ended - self.failed;
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        (self.jobs > 1).then(|| format!("{complete} of {} complete{failed}", self.jobs))
    }

    /// Jobs that still have a way to go.
    pub(crate) const fn open(&self) -> u64 {
        self.jobs - self.ended
    }
}
