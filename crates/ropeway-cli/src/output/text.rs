//! Numbers and states, made fit for a terminal.

use std::{borrow::Cow, time::Duration};

use indicatif::BinaryBytes;
use jiff::{Timestamp, Zoned, tz::TimeZone};
use ropeway_api::view::{BlockerView, DirectionView, JobView, PhaseView, ValidationView, VerificationView};

use crate::terminal::plain;

/// `text` in at most `width` characters, its middle left out: names differ at their ends.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    let count = text.chars().count();
    if count <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let head: String = text.chars().take(kept.div_ceil(2)).collect();
    let tail: String = text.chars().skip(count - kept / 2).collect();
    format!("{head}…{tail}")
}

/// `1.50 GiB`.
pub(crate) fn size(bytes: u64) -> String {
    BinaryBytes(bytes).to_string()
}

/// `1.50 MiB/s`.
pub(crate) fn rate(bytes_per_second: u64) -> String {
    format!("{}/s", size(bytes_per_second))
}

/// `1:02:03`, `2:03`, `0:03`.
pub(crate) fn clock(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// The mean rate of a whole transfer; `None` where it took no time that could be measured.
pub(crate) fn mean_rate(bytes: u64, took: Duration) -> Option<u64> {
    let milliseconds = u64::try_from(took.as_millis()).ok().filter(|milliseconds| *milliseconds > 0)?;
    Some(bytes.saturating_mul(1000) / milliseconds)
}

/// Whole percents done; `None` while the length is unknown.
pub(crate) fn percent(job: &JobView) -> Option<u64> {
    let progress = &job.progress;
    // A file that was there already took no byte.
    if matches!(job.phase, PhaseView::Completed) {
        return Some(100);
    }
    match progress.length? {
        0 => Some(100),
        length => Some(progress.moved.saturating_mul(100) / length),
    }
}

/// The phase in one word.
pub(crate) const fn phase(phase: &PhaseView) -> &'static str {
    match phase {
        PhaseView::Queued => "queued",
        PhaseView::Probing => "connecting",
        PhaseView::Running => "running",
        PhaseView::Waiting { .. } => "waiting",
        PhaseView::Blocked { .. } => "blocked",
        PhaseView::LinkExpired { .. } => "link expired",
        PhaseView::Paused => "paused",
        PhaseView::Verifying => "verifying",
        PhaseView::Completed => "completed",
        PhaseView::Canceled => "canceled",
        PhaseView::Failed { .. } => "failed",
    }
}

/// What the job is doing or waiting for, in a few words, with the code of what went wrong.
pub(crate) fn state(job: &JobView) -> Cow<'static, str> {
    match (&job.phase, job.start_at_ms) {
        (PhaseView::Waiting { until_ms, cause, .. }, _) => {
            format!("waits until {}: {}", second(*until_ms), plain(&cause.code)).into()
        }
        (PhaseView::Failed { failure }, _) => format!("failed: {}", plain(&failure.code)).into(),
        (PhaseView::Queued, Some(start)) if starts_later(job) => format!("starts {}", moment(start)).into(),
        (PhaseView::Blocked { by, .. }, _) => blocker(*by).into(),
        (other, _) => phase(other).into(),
    }
}

/// Whether the job waits for a moment to start at.
pub(crate) fn starts_later(job: &JobView) -> bool {
    let is_ahead = |start| Timestamp::now().as_millisecond() < start;
    matches!(job.phase, PhaseView::Queued) && job.start_at_ms.is_some_and(is_ahead)
}

/// What a job waits for that is not the job's to mend.
const fn blocker(by: BlockerView) -> &'static str {
    match by {
        BlockerView::Network => "no network",
        BlockerView::Room => "no room",
        BlockerView::NameTaken => "name taken",
    }
}

/// A moment on the clock of this machine's time zone: the time of day alone where it is within the next day.
pub(crate) fn moment(unix_ms: i64) -> String {
    let (now, zone) = (Zoned::now(), TimeZone::system());
    let Ok(at) = Timestamp::from_millisecond(unix_ms) else { return unix_ms.to_string() };
    let is_soon = at.duration_since(now.timestamp()).as_hours().abs() < 24;
    at.to_zoned(zone).strftime(if is_soon { "%H:%M" } else { "%Y-%m-%d %H:%M" }).to_string()
}

/// The same to the second.
pub(crate) fn second(unix_ms: i64) -> String {
    let Ok(at) = Timestamp::from_millisecond(unix_ms) else { return unix_ms.to_string() };
    at.to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string()
}

/// How a finished file was proved, as the end of a sentence.
pub(crate) const fn verification(job: &JobView) -> &'static str {
    let is_upload = matches!(job.direction, DirectionView::Upload);
    match job.verification {
        Some(VerificationView::ChecksumGiven) => "equal to the checksum given",
        Some(VerificationView::ChecksumOfServer) => "equal to the server's checksum",
        Some(VerificationView::Length) if is_upload => "the server has all of its length",
        Some(VerificationView::Length) => "length as announced",
        Some(VerificationView::Unverified) | None if is_upload => "unverified: the server does not say what it stored",
        Some(VerificationView::Unverified) | None => "unverified: the server announced nothing to compare with",
    }
}

/// Evidence that the last resume used the same remote version.
pub(crate) const fn validation(verdict: ValidationView) -> &'static str {
    match verdict {
        ValidationView::StrongTag => "the same strong tag",
        ValidationView::LengthAndDate => "the same length and date",
        ValidationView::Overlap => "the same bytes came again",
        ValidationView::Unverifiable => "nothing to compare, taken on trust",
        ValidationView::Changed => "another version, started again",
    }
}

#[cfg(test)]
mod tests {
    use ropeway_api::view::FailureView;

    use super::*;
    use crate::run::tests::row;

    #[test]
    fn a_long_name_keeps_both_ends() {
        assert_eq!(shortened("ubuntu-26.04-desktop-amd64.iso", 15), "ubuntu-…d64.iso");
        assert_eq!(shortened("short.iso", 9), "short.iso");
    }

    #[test]
    fn a_job_that_waits_says_for_what_and_who_can_help() {
        let failure = FailureView {
            status: None,
            code: "FILE_EXISTS".to_owned(),
            message: "a exists already".to_owned(),
            hint: "Choose.".to_owned(),
            can_resume: true,
        };
        let blocked = |by| row(7, PhaseView::Blocked { by, failure: failure.clone() }, 0);
        assert_eq!(state(&blocked(BlockerView::Room)), "no room");
        let asking = blocked(BlockerView::NameTaken);
        assert_eq!(state(&asking), "name taken");
        let mut later = row(9, PhaseView::Queued, 0);
        assert_eq!(state(&later), "queued");
        later.start_at_ms = Some(4_102_444_800_000 + 43_200_000);
        assert!(state(&later).starts_with("starts 2100-01-0"), "{}", state(&later));
    }

    #[test]
    fn times_and_rates_are_read_at_a_glance() {
        assert_eq!([clock(3), clock(123), clock(3723)], ["0:03", "2:03", "1:02:03"]);
        assert_eq!(mean_rate(1 << 20, Duration::from_secs(2)), Some(1 << 19));
        assert_eq!(mean_rate(5, Duration::ZERO), None);
        assert_eq!(rate(1 << 20), "1.00 MiB/s");
    }

    #[test]
    fn what_the_program_shows_can_be_read_back() {
        for bytes in [1, 999, 1024, 512_000, 2_621_440, 48 << 20, 3 << 30, 7 << 40] {
            assert_eq!(size(ropeway_model::size::parse(&size(bytes)).unwrap()), size(bytes));
            let read: ropeway_model::ByteRate = rate(bytes).parse().unwrap();
            assert_eq!(rate(read.bytes_per_second()), rate(bytes));
        }
    }
}
