//! One JSON object a line. The names of the fields are a contract with scripts.

use std::{borrow::Cow, collections::HashMap, time::Duration};

use ropeway_api::{
    command::Refusal,
    view::{DirectionView, JobView, PhaseView, VerificationView},
};
use serde::Serialize;

use crate::{
    output::{
        Output, as_json, failure,
        text::{mean_rate, phase},
    },
    run::{End, RunState},
    terminal::to_stdout,
};

/// A script that follows progress needs no more than this.
const PERIOD: Duration = Duration::from_millis(500);

/// The code of what a signal stopped.
pub(crate) const INTERRUPTED: &str = "INTERRUPTED";

/// Progress now and then, one result per job, on stdout.
#[derive(Debug)]
pub(crate) struct Json {
    shown: HashMap<i64, (u64, &'static str)>,
    is_quiet: bool,
}

impl Json {
    /// Results, and progress unless it `is_quiet`.
    pub(crate) fn new(is_quiet: bool) -> Self {
        Self { shown: HashMap::new(), is_quiet }
    }
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Progress {
        id: i64,
        url: &'a str,
        path: Option<&'a str>,
        phase: &'static str,
        bytes: u64,
        durable: u64,
        length: Option<u64>,
        rate: u64,
        seconds_left: Option<u64>,
        /// Why it waits for its next try.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<&'a str>,
    },
    Result(ResultLine<'a>),
}

#[derive(Default, Serialize)]
struct ResultLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    url: String,
    path: Option<&'a str>,
    bytes: u64,
    /// For how long this command saw it move.
    seconds: f64,
    /// Bytes a second of what it saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
    /// The digest in whatever algorithm it was taken, `algorithm:hex`.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<&'a str>,
    verified: bool,
    /// A file that was there already is the one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    kept: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification: Option<VerificationView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<Cow<'a, str>>,
}

impl Output for Json {
    fn period(&self) -> Option<Duration> {
        (!self.is_quiet).then_some(PERIOD)
    }

    fn draw(&mut self, state: &RunState) {
        for job in state.open().filter(|job| !matches!(job.phase, PhaseView::Queued)) {
            let now = (job.progress.moved, phase(&job.phase));
            if self.shown.insert(job.id, now) != Some(now) {
                print(&progress(job));
            }
        }
    }

    fn ended(&mut self, end: &End) {
        self.shown.remove(&end.job.id);
        print(&Line::Result(result(end)));
        failure::report(end);
    }

    fn refused(&mut self, refusal: &Refusal) {
        print_refused(refusal);
        failure::refuse(refusal);
    }

    fn interrupted(&mut self, state: &RunState) {
        state.unfinished().for_each(|end| print(&Line::Result(interrupted(&end))));
        failure::interrupted(state);
    }
}

/// Prints the line of an input that became no job.
pub(crate) fn print_refused(refusal: &Refusal) {
    print(&Line::Result(ResultLine {
        url: refusal.input.clone(),
        code: Some(&refusal.code),
        message: Some(&refusal.message),
        hint: Some(refusal.hint.as_str().into()),
        ..ResultLine::default()
    }));
}

/// The local end of a job.
fn path(job: &JobView) -> Option<&str> {
    match job.direction {
        DirectionView::Download => job.path.as_deref(),
        DirectionView::Upload => Some(job.path.as_deref().unwrap_or(&job.source)),
    }
}

fn progress(job: &JobView) -> Line<'_> {
    let url = match job.direction {
        DirectionView::Download => &job.source,
        DirectionView::Upload => &job.destination,
    };
    Line::Progress {
        id: job.id,
        url,
        path: path(job),
        phase: phase(&job.phase),
        bytes: job.progress.moved,
        durable: job.progress.durable,
        length: job.progress.length,
        rate: job.progress.rate,
        seconds_left: job.progress.seconds_left,
        code: match &job.phase {
            PhaseView::Waiting { cause, .. } => Some(&cause.code),
            PhaseView::Blocked { failure, .. } | PhaseView::LinkExpired { failure } => Some(&failure.code),
            _ => None,
        },
    }
}

fn result(end: &End) -> ResultLine<'_> {
    let failure = end.failure();
    ResultLine {
        id: Some(end.job.id),
        url: end.url(),
        path: path(&end.job),
        bytes: end.job.progress.moved,
        seconds: end.took.as_secs_f64(),
        rate: mean_rate(end.seen, end.took).filter(|rate| *rate > 0),
        sha256: end.job.digest.as_deref().and_then(|digest| digest.strip_prefix("sha256:")),
        digest: end.job.digest.as_deref(),
        verified: end.is_verified(),
        kept: end.was_there(),
        verification: end.job.verification,
        code: failure.map(|failure| failure.code.as_str()).or_else(|| (!end.is_complete()).then_some("CANCELED")),
        message: failure.map(|failure| failure.message.as_str()),
        hint: end.hint().map(Cow::from),
    }
}

/// The last line of a job that a signal stopped.
fn interrupted(end: &End) -> ResultLine<'_> {
    let message = match end.job.direction {
        DirectionView::Download => "a signal stopped it; what came is kept",
        DirectionView::Upload if end.is_kept_by_server() => "a signal stopped it; what the server has is kept",
        DirectionView::Upload => "a signal stopped it; the server keeps nothing of a file that ends early",
    };
    let hint = Some("Run the same command again to go on.".into());
    ResultLine { code: Some(INTERRUPTED), message: Some(message), hint, ..result(end) }
}

fn print(line: &Line<'_>) {
    // Plain strings and numbers: there is nothing in them that JSON cannot say.
    if let Ok(text) = as_json(line) {
        to_stdout(&text);
    }
}

#[cfg(test)]
mod tests {
    use ropeway_api::view::FailureView;

    use super::*;
    use crate::run::{Queue, tests::row};

    fn text(line: &Line<'_>) -> serde_json::Value {
        serde_json::to_value(line).unwrap()
    }

    #[test]
    fn a_result_names_both_ends_the_bytes_and_the_digest() {
        let mut job = row(7, PhaseView::Completed, 5);
        job.digest = Some("sha256:ab".to_owned());
        job.verification = Some(VerificationView::Length);
        let end = End { job, took: Duration::from_millis(1500), seen: 3, queue: Queue::Own };
        assert_eq!(
            text(&Line::Result(result(&end))),
            serde_json::json!({
                "event": "result", "id": 7, "url": "http://example.org/7.bin", "path": "/downloads/7.bin", "bytes": 5,
                "seconds": 1.5, "rate": 2, "sha256": "ab", "digest": "sha256:ab", "verified": true, "verification": "length",
            })
        );
    }

    #[test]
    fn what_a_signal_stops_has_a_last_line_that_says_so() {
        let mut state = RunState::default();
        state.put(row(7, PhaseView::Running, 40));
        let end = state.unfinished().next().unwrap();
        let line = text(&Line::Result(interrupted(&end)));
        assert_eq!((&line["event"], &line["id"], &line["bytes"]), (&"result".into(), &7.into(), &40.into()));
        assert_eq!((&line["code"], &line["verified"]), (&INTERRUPTED.into(), &false.into()));
    }

    #[test]
    fn a_failed_result_carries_code_message_and_hint() {
        let failure = FailureView {
            status: None,
            code: "HTTP_NOT_FOUND".to_owned(),
            message: "No.".to_owned(),
            hint: "Look.".to_owned(),
            can_resume: true,
        };
        let end =
            End { job: row(7, PhaseView::Failed { failure }, 0), took: Duration::ZERO, seen: 0, queue: Queue::Own };
        let line = text(&Line::Result(result(&end)));
        assert_eq!((&line["code"], &line["hint"]), (&"HTTP_NOT_FOUND".into(), &"Look.".into()));
        assert_eq!(line["verified"], false);
    }
}
