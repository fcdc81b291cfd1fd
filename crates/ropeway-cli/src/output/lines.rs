//! A plain line per finished job, for logs and pipes.

use std::time::{Duration, Instant};

use ropeway_api::view::{DirectionView, JobView, PhaseView};

use crate::{
    output::{
        Output, failure,
        text::{clock, mean_rate, rate, second, size, verification},
    },
    run::{End, RunState},
    terminal::{plain, to_stderr, to_stdout},
};

/// How often a run that nobody sees a bar of tells how far it is.
const TELLS_EVERY: Duration = Duration::from_secs(10);
/// How often that is looked at.
const PERIOD: Duration = Duration::from_secs(1);

/// One line per finished job on stdout; failures, and now and then how far all are, on stderr.
pub(crate) struct Lines {
    told: Instant,
}

impl Lines {
    /// Nothing is told yet.
    pub(crate) fn new() -> Self {
        Self { told: Instant::now() }
    }
}

impl Output for Lines {
    fn period(&self) -> Option<Duration> {
        Some(PERIOD)
    }

    fn draw(&mut self, state: &RunState) {
        if self.told.elapsed() >= TELLS_EVERY && state.has_open() {
            self.told = Instant::now();
            to_stderr(&standing_line(state));
        }
    }

    fn ended(&mut self, end: &End) {
        match finished_line(end) {
            Some(line) => to_stdout(&line),
            None => failure::report(end),
        }
    }

    fn close(&mut self, state: &RunState) {
        state.sums().closing().iter().for_each(|line| to_stderr(line));
    }
}

/// How far all jobs are, and what the first one that does not move waits for.
fn standing_line(state: &RunState) -> String {
    let sums = state.sums();
    let mut open = state.open();
    let who = match (open.next(), sums.jobs) {
        (Some(job), 1) => plain(&job.name).into_owned(),
        _ => format!("{} of {} jobs", sums.ended, sums.jobs),
    };
    let moved = match sums.length {
        Some(length) => format!("{} of {}", size(sums.moved), size(length)),
        None => size(sums.moved),
    };
    let left = sums.length.and_then(|length| length.saturating_sub(sums.moved).checked_div(sums.rate));
    let left = left.map(|left| format!(", {} left", clock(left))).unwrap_or_default();
    let speed = if sums.rate > 0 { format!(" at {}{left}", rate(sums.rate)) } else { String::new() };
    let waits = state.open().find_map(waiting).map(|reason| format!("; {reason}")).unwrap_or_default();
    format!("{who}: {moved}{speed}{waits}")
}

/// Why a job does not move, where it says so.
fn waiting(job: &JobView) -> Option<String> {
    match &job.phase {
        PhaseView::Waiting { until_ms, cause, .. } => {
            Some(format!("waiting until {} to try again: {}", second(*until_ms), plain(&cause.message)))
        }
        PhaseView::Blocked { failure, .. } => Some(format!("waiting: {}", plain(&failure.message))),
        _ => None,
    }
}

/// What to say of a complete job; `None` if it is not complete.
pub(crate) fn finished_line(end: &End) -> Option<String> {
    if !end.is_complete() {
        return None;
    }
    let job = &end.job;
    if end.was_there() {
        let path = plain(job.path.as_deref().unwrap_or(&job.name));
        let proof = if end.is_verified() { verification(job) } else { "and was not compared" };
        return Some(format!("kept {path}: it is there already, {proof}"));
    }
    let what = match job.direction {
        DirectionView::Download => format!("saved {}", plain(job.path.as_deref().unwrap_or(&job.name))),
        DirectionView::Upload => {
            let named = if end.is_named_by_server() { " (the server chooses its name there)" } else { "" };
            format!("sent {} to {}{named}", plain(&job.source), plain(&end.url()))
        }
    };
    let bytes = job.progress.moved;
    let mean = mean_rate(end.seen, end.took).filter(|mean| *mean > 0);
    let speed = mean.map(|mean| format!(" at {}", rate(mean))).unwrap_or_default();
    let digest = job.digest.as_deref().map(|digest| format!(", {digest}")).unwrap_or_default();
    Some(format!("{what}: {}{speed}{digest}, {}", size(bytes), verification(job)))
}

#[cfg(test)]
mod tests {
    use ropeway_api::view::{FailureView, VerificationView};

    use super::*;
    use crate::run::{Queue, tests::row};

    #[test]
    fn a_finished_job_is_one_line_with_where_how_much_and_how_sure() {
        let mut job = row(1, PhaseView::Completed, 1 << 20);
        job.digest = Some("sha256:9f86".to_owned());
        job.verification = Some(VerificationView::ChecksumGiven);
        let line =
            finished_line(&End { job: job.clone(), took: Duration::from_secs(1), seen: 1 << 20, queue: Queue::Own })
                .unwrap();
        assert_eq!(line, "saved /downloads/1.bin: 1.00 MiB at 1.00 MiB/s, sha256:9f86, equal to the checksum given");
        let line = finished_line(&End { job, took: Duration::from_secs(1), seen: 1 << 19, queue: Queue::Own }).unwrap();
        assert!(line.contains("1.00 MiB at 512.00 KiB/s"), "{line}");
    }

    #[test]
    fn a_sent_form_says_that_its_server_names_the_file() {
        let mut job = row(1, PhaseView::Completed, 5);
        (job.direction, job.source) = (DirectionView::Upload, "/a.txt".to_owned());
        for (destination, is_said) in
            [("form+https://example.org/up#field=file", true), ("https://example.org/in/", false)]
        {
            job.destination = destination.to_owned();
            let end = End { job: job.clone(), took: Duration::ZERO, seen: 0, queue: Queue::Own };
            let line = finished_line(&end).unwrap();
            assert_eq!(line.contains("the server chooses its name"), is_said, "{line}");
        }
    }

    #[test]
    fn now_and_then_a_run_says_how_far_it_is_and_what_it_waits_for() {
        let mut state = RunState::default();
        state.put(row(1, PhaseView::Running, 50));
        assert_eq!(standing_line(&state), "1.bin: 50 B of 100 B at 10 B/s, 0:05 left");
        let cause = FailureView {
            status: None,
            code: "NETWORK_REFUSED".to_owned(),
            message: "example.org refused".to_owned(),
            hint: String::new(),
            can_resume: true,
        };
        let mut waiting = row(2, PhaseView::Waiting { until_ms: 65_000, attempt: 1, cause }, 0);
        waiting.progress.rate = 0;
        state.put(waiting);
        let line = standing_line(&state);
        assert!(line.starts_with("0 of 2 jobs: 50 B of 200 B at 10 B/s, 0:15 left; waiting until "), "{line}");
        assert!(line.ends_with(":01:05 to try again: example.org refused"), "{line}");
    }

    #[test]
    fn a_file_that_was_there_is_told_apart_from_one_that_came() {
        let mut job = row(1, PhaseView::Completed, 0);
        job.verification = Some(VerificationView::Length);
        let line = finished_line(&End { job, took: Duration::ZERO, seen: 0, queue: Queue::Own }).unwrap();
        assert_eq!(line, "kept /downloads/1.bin: it is there already, length as announced");
    }
}
