//! Numbers and foreign text, made fit for a terminal.

use std::{borrow::Cow, time::Duration};

use indicatif::BinaryBytes;
use ropeway_api::view::{JobProgress, JobView, PhaseView, ValidationView, VerificationView};

/// `text` without what a terminal would act on: escape sequences, line breaks, direction overrides. Names and messages
/// come from servers.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let acts = |character: char| {
        character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(acts) { text.replace(acts, "\u{fffd}").into() } else { text.into() }
}

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
pub(crate) fn percent(progress: &JobProgress) -> Option<u64> {
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

/// How a finished file was proved, as the end of a sentence.
pub(crate) const fn verification(job: &JobView) -> &'static str {
    match job.verification {
        Some(VerificationView::ChecksumGiven) => "equal to the checksum given",
        Some(VerificationView::ChecksumOfServer) => "equal to the server's checksum",
        Some(VerificationView::Length) => "as long as announced",
        Some(VerificationView::Unverified) | None => "unverified: the server announced nothing to compare with",
    }
}

/// How surely the last resume continued the same version.
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
    use super::*;

    #[test]
    fn what_a_server_sends_cannot_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[31m\r\nb\u{202e}"), "a\u{fffd}[31m\u{fffd}\u{fffd}b\u{fffd}");
        assert!(matches!(plain("файл – 文件.bin"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_long_name_keeps_both_ends() {
        assert_eq!(shortened("ubuntu-26.04-desktop-amd64.iso", 15), "ubuntu-…d64.iso");
        assert_eq!(shortened("short.iso", 9), "short.iso");
    }

    #[test]
    fn times_and_rates_are_read_at_a_glance() {
        assert_eq!([clock(3), clock(123), clock(3723)], ["0:03", "2:03", "1:02:03"]);
        assert_eq!(mean_rate(1 << 20, Duration::from_secs(2)), Some(1 << 19));
        assert_eq!(mean_rate(5, Duration::ZERO), None);
        assert_eq!(rate(1 << 20), "1.00 MiB/s");
    }
}
