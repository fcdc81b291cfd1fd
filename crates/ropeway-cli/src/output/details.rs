//! One job with all that is known of it.

use ropeway_api::view::{DirectionView, JobDetail, PhaseView, PriorityView, SegmentView};

use crate::run::Queue;
use crate::{
    output::{
        hint,
        text::{self, clock, percent, rate, size, validation, verification},
        waits::Waits,
    },
    terminal::plain,
};

/// Columns for the labels.
const LABEL_WIDTH: usize = 12;

/// A line per fact, then the segments and the log.
pub(crate) fn lines(detail: &JobDetail, waits: &Waits) -> Vec<String> {
    let facts = facts(detail, waits).into_iter();
    let facts = facts.map(|(label, value)| format!("{label:LABEL_WIDTH$}{}", plain(&value)));
    let segments = detail.segments.iter().map(|segment| format!("{:LABEL_WIDTH$}{}", "segment", span(segment)));
    let log = detail.log.iter().map(|line| format!("{:LABEL_WIDTH$}{}", "log", plain(&line.text)));
    facts.chain(segments).chain(log).collect()
}

fn facts(detail: &JobDetail, waits: &Waits) -> Vec<(&'static str, String)> {
    let job = &detail.job;
    let arrow = match job.direction {
        DirectionView::Download => "download",
        DirectionView::Upload => "upload",
    };
    let state = match &job.phase {
        PhaseView::Failed { failure } => format!("failed: {}: {}", failure.code, failure.message),
        PhaseView::LinkExpired { failure } => format!("link expired: {}: {}", failure.code, failure.message),
        PhaseView::Blocked { failure, .. } => format!("{}: {}: {}", text::state(job), failure.code, failure.message),
        PhaseView::Waiting { cause, attempt, .. } => {
            let until = waits.state(job);
            let until = until.split(": ").next().unwrap_or_default();
            let tries =
                if *attempt == 1 { "1 failed try".to_owned() } else { format!("{attempt} failed tries in a row") };
            format!("{until} after {tries}: {}: {}", cause.code, cause.message)
        }
        _ => waits.state(job).into_owned(),
    };
    let advice = match &job.phase {
        PhaseView::Failed { failure }
        | PhaseView::LinkExpired { failure }
        | PhaseView::Blocked { failure, .. }
        | PhaseView::Waiting { cause: failure, .. } => Some(hint::hint(job, failure, Queue::Running).into_owned()),
        _ => None,
    };
    let known = |label, value: Option<String>| value.map(|value| (label, value));
    let strength = if detail.entity_tag_is_strong { "strong" } else { "weak" };
    let some = [
        known("job", Some(format!("{}  {}", job.id, job.name))),
        known("direction", Some(arrow.to_owned())),
        known("state", Some(state)),
        known("waits for", waits.server(job).filter(|_| matches!(job.phase, PhaseView::Waiting { .. }))),
        known("hint", advice),
        known("next", hint::next_command(job)),
        known("starts", job.start_at_ms.map(text::moment)),
        known("priority", priority(job.priority).map(str::to_owned)),
        known("from", Some(job.source.clone())),
        known("mirrors", Some(detail.mirrors.join(", ")).filter(|mirrors| !mirrors.is_empty())),
        known("to", Some(job.destination.clone())),
        known("file", job.path.clone()),
        known("progress", Some(progress(detail))),
        known("limit", job.rate_limit.map(rate)),
        known("connections", job.connections.map(|choice| choice.to_string())),
        known("address", detail.final_url.clone().filter(|url| *url != job.source)),
        known("entity tag", detail.entity_tag.as_ref().map(|tag| format!("{tag} ({strength})"))),
        known("modified", detail.last_modified.clone()),
        known("resumed", detail.validation.map(|verdict| validation(verdict).to_owned())),
        known("headers", Some(detail.header_names.join(", ")).filter(|names| !names.is_empty())),
        known("expected", detail.expected_digest.clone()),
        known("digest", job.digest.clone()),
        known("verified", matches!(job.phase, PhaseView::Completed).then(|| verification(job).to_owned())),
    ];
    some.into_iter().flatten().collect()
}

/// The urgency, where it is not the usual one.
const fn priority(priority: PriorityView) -> Option<&'static str> {
    match priority {
        PriorityView::Low => Some("low: after all others"),
        PriorityView::Normal => None,
        PriorityView::High => Some("high: before all others"),
    }
}

fn progress(detail: &JobDetail) -> String {
    let progress = &detail.job.progress;
    let moved = match (progress.length, percent(&detail.job)) {
        (Some(length), Some(percent)) => format!("{} of {} ({percent} %)", size(progress.moved), size(length)),
        _ => size(progress.moved),
    };
    let speed = if progress.rate > 0 { format!(" at {}", rate(progress.rate)) } else { String::new() };
    let left = progress.seconds_left.map(|left| format!(", {} left", clock(left))).unwrap_or_default();
    format!("{moved}{speed}{left}")
}

fn span(segment: &SegmentView) -> String {
    let end = segment.end.map_or_else(|| "?".to_owned(), |end| end.to_string());
    let state = if segment.is_active { ", being fetched" } else { "" };
    format!("[{}, {end}): {} in place{state}", segment.start, size(segment.written))
}

#[cfg(test)]
mod tests {
    use ropeway_api::view::{FailureView, LogLine, ValidationView};

    use super::*;
    use crate::run::tests::row;

    #[test]
    fn a_failed_job_shows_its_code_its_hint_and_its_log() {
        let failure = FailureView {
            status: None,
            code: "HTTP_NOT_FOUND".to_owned(),
            message: "example.org has no such file".to_owned(),
            hint: "Check the address.".to_owned(),
            can_resume: true,
        };
        let mut job = row(3, PhaseView::Failed { failure }, 50);
        job.priority = PriorityView::High;
        let detail = JobDetail {
            job,
            final_url: None,
            entity_tag: Some("\"a\"".to_owned()),
            entity_tag_is_strong: true,
            last_modified: None,
            validation: Some(ValidationView::Overlap),
            expected_digest: None,
            mirrors: Vec::new(),
            header_names: Vec::new(),
            segments: vec![SegmentView { start: 0, end: Some(100), written: 50, is_active: false }],
            speed: Vec::new(),
            log: vec![LogLine { at_ms: 0, text: "the \u{1b}server said no".to_owned() }],
            proof: None,
        };
        let text = lines(&detail, &Waits::default()).join("\n");
        for expected in [
            "state       failed: HTTP_NOT_FOUND: example.org has no such file",
            "hint        Check the address.",
            "next        ropeway renew 3 URL",
            "priority    high: before all others",
            "progress    50 B of 100 B (50 %)",
            "entity tag  \"a\" (strong)",
            "resumed     the same bytes came again",
            "segment     [0, 100): 50 B in place",
            "log         the \u{fffd}server said no",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
    }
}
