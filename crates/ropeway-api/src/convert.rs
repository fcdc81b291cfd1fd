//! From the engine's snapshots to what a shell shows. Secrets end here: every URL is shown redacted.

use std::path::Path;

use ropeway_engine::{JobDetail, JobSnapshot, ProgressSnapshot, SegmentSnapshot};
use ropeway_model::{Direction, EntityTag, JobSpec, Phase, Transfer};

use crate::view;

fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A row of the list.
pub(crate) fn job(job: &JobSnapshot) -> view::JobView {
    let (source, destination) = match &job.spec.transfer {
        Transfer::Download { from, into, .. } => (from.to_string(), path(into)),
        Transfer::Upload { from, to } => (path(from), to.to_string()),
    };
    let is_there = job.phase == Phase::Completed || job.spec.direction() == Direction::Upload;
    view::JobView {
        id: job.id.row(),
        direction: job.spec.direction().into(),
        name: name(job),
        source,
        destination,
        host: job.spec.host(),
        path: local_path(job).filter(|_| is_there),
        stored_at: stored_at(job),
        wish: job.wish.into(),
        phase: phase(&job.phase),
        progress: progress(&job.progress),
        rate_limit: job.spec.rate_limit.map(ropeway_model::ByteRate::bytes_per_second),
        connections: job.spec.connections,
        priority: job.spec.priority.into(),
        start_at_ms: job.spec.start_at.map(ropeway_model::Timestamp::unix_ms),
        position: job.position,
        created_ms: job.created.unix_ms(),
        finished_ms: job.finished.map(ropeway_model::Timestamp::unix_ms),
        digest: job.digest.as_ref().filter(|_| job.phase == Phase::Completed).map(ToString::to_string),
        verification: job.verification.filter(|_| job.phase == Phase::Completed).map(view::VerificationView::from),
        damage: job.damage.map(view::DamageView::from),
    }
}

/// The name to show: the one the file has or will have.
fn name(job: &JobSnapshot) -> String {
    let final_name =
        job.final_path.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let remote_name = || job.remote.as_ref().map(|remote| remote.name.to_string());
    final_name.or_else(remote_name).unwrap_or_else(|| job.spec.display_name())
}

fn local_path(job: &JobSnapshot) -> Option<String> {
    match &job.spec.transfer {
        Transfer::Download { .. } => job.final_path.as_deref().map(path),
        Transfer::Upload { from, .. } => Some(path(from)),
    }
}

fn stored_at(job: &JobSnapshot) -> Option<String> {
    let remote = job.remote.as_ref().filter(|_| job.spec.direction() == Direction::Upload);
    remote.map(|remote| remote.url.to_string())
}

fn phase(phase: &Phase) -> view::PhaseView {
    match phase {
        Phase::Queued => view::PhaseView::Queued,
        Phase::Probing => view::PhaseView::Probing,
        Phase::Running => view::PhaseView::Running,
        Phase::Waiting { until, attempt, cause } => {
            view::PhaseView::Waiting { until_ms: until.unix_ms(), attempt: *attempt, cause: cause.into() }
        }
        Phase::Blocked { by, failure } => view::PhaseView::Blocked { by: (*by).into(), failure: failure.into() },
        Phase::LinkExpired { failure } => view::PhaseView::LinkExpired { failure: failure.into() },
        Phase::Paused => view::PhaseView::Paused,
        Phase::Verifying => view::PhaseView::Verifying,
        Phase::Completed => view::PhaseView::Completed,
        Phase::Canceled => view::PhaseView::Canceled,
        Phase::Failed { failure } => view::PhaseView::Failed { failure: failure.into() },
    }
}

/// The part of a row that changes several times a second.
pub(crate) fn progress(progress: &ProgressSnapshot) -> view::JobProgress {
    let left = progress.length.map(|length| length.saturating_sub(progress.moved));
    view::JobProgress {
        id: progress.id.row(),
        length: progress.length,
        moved: progress.moved,
        durable: progress.durable,
        rate: progress.rate,
        seconds_left: left.and_then(|left| left.checked_div(progress.rate)),
        active_connections: progress.connections,
    }
}

/// The details pane.
pub(crate) fn detail(detail: &JobDetail) -> view::JobDetail {
    let remote = detail.job.remote.as_deref();
    let tag = remote.and_then(|remote| remote.validator.entity_tag.as_ref());
    view::JobDetail {
        job: job(&detail.job),
        final_url: remote.map(|remote| remote.url.to_string()),
        entity_tag: tag.map(ToString::to_string),
        entity_tag_is_strong: tag.is_some_and(EntityTag::is_strong),
        last_modified: remote.and_then(|remote| remote.validator.last_modified.clone()),
        validation: detail.job.validation.map(Into::into),
        expected_digest: expected(&detail.job.spec),
        header_names: detail.job.spec.secrets.names().map(str::to_owned).collect(),
        mirrors: detail.job.spec.mirrors.iter().map(ToString::to_string).collect(),
        segments: detail.segments.iter().map(segment).collect(),
        speed: detail.speed.clone(),
        log: detail.log.iter().map(|(at, text)| view::LogLine { at_ms: at.unix_ms(), text: text.clone() }).collect(),
        proof: detail.proof.map(Into::into),
    }
}

/// All that the file must hash to, one behind the other.
fn expected(spec: &JobSpec) -> Option<String> {
    let all: Vec<String> = spec.checksums().map(ToString::to_string).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

fn segment(segment: &SegmentSnapshot) -> view::SegmentView {
    let range = segment.segment.range();
    view::SegmentView {
        start: range.start(),
        end: Some(range.end()).filter(|_| !range.is_open_ended()),
        written: segment.segment.written(),
        is_active: segment.is_active,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_a_file_must_hash_to_is_told_and_nothing_where_nothing_is_known() {
        let from = "https://example.org/a".parse().unwrap();
        let mut spec = JobSpec::new(Transfer::Download { from, into: "/downloads".into(), name: None });
        for texts in [&[][..], &["crc32c:00000000"], &["md5:d41d8cd98f00b204e9800998ecf8427e", "crc32c:00000000"]] {
            spec.set_checksums(texts.iter().map(|text| text.parse().unwrap()));
            assert_eq!(expected(&spec), (!texts.is_empty()).then(|| texts.join(" ")));
        }
    }
}
