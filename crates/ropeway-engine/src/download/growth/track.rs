//! Track of a connection's rates, window by window.

use super::Flow;

/// Reads that a window has at least: with fewer it measures how the bytes were packed.
const READS: u64 = 4;
/// A window with fewer reads ends after so many times its length.
const LONGEST_WINDOW: f64 = 8.0;
/// Slow start doubles from one window to the next, congestion avoidance brings less than a tenth.
const FLAT: f64 = 1.4;
/// Below this share of its best a connection stalls, which says nothing of the line.
const STALLED: f64 = 0.1;
/// What stays there for so many windows, and so many seconds, does not stall: it is capped by now. One that has lost its
/// window starts slowly again, and needs most of that to come back.
const STALLED_WINDOWS: f64 = 10.0;
const STALLED_SECONDS: f64 = 1.0;

/// Track of one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Track {
    when: f64,
    bytes: u64,
    reads: u64,
    /// Rate of its first window.
    pub(super) begun: Option<f64>,
    pub(super) rate: Option<f64>,
    pub(super) is_flat: bool,
    pub(super) peak: f64,
    windows: u32,
    alive: f64,
    pub(super) is_stalled: bool,
    /// When it last came back from a stall.
    pub(super) came_back: Option<f64>,
}

impl Track {
    pub(super) fn new(now: f64, flow: &Flow) -> Self {
        let (when, bytes, reads) =
            flow.answered.map_or((now, flow.bytes, flow.reads), |(at, bytes, reads)| (at.as_secs_f64(), bytes, reads));
        let (begun, rate, is_flat, peak, windows, alive) = (None, None, false, 0.0, 0, when);
        Self { when, bytes, reads, begun, rate, is_flat, peak, windows, alive, is_stalled: false, came_back: None }
    }

    /// What a connection without a window yet brings at the least: the answer's first read may have been waiting. `None`
    /// within the first `period`.
    #[expect(clippy::cast_precision_loss, reason = "a window's bytes stay below 2^53")]
    pub(super) fn at_least(now: f64, flow: &Flow, period: f64) -> Option<f64> {
        let (since, bytes, reads) = flow.answered?;
        let elapsed = now - since.as_secs_f64();
        let (bytes, reads) = (flow.bytes.saturating_sub(bytes), flow.reads.saturating_sub(reads));
        (elapsed >= period && reads > 0).then(|| bytes as f64 * (1.0 - 1.0 / reads as f64) / elapsed)
    }

    /// Takes note of a window, if one is over.
    #[expect(clippy::cast_precision_loss, reason = "a window's bytes stay below 2^53")]
    pub(super) fn note(&mut self, now: f64, flow: &Flow, period: f64, is_proved: bool) {
        let Some((since, bytes, reads)) = flow.answered else { return };
        // What it waited for between two requests is no word on its speed.
        if since.as_secs_f64() > self.when {
            (self.when, self.bytes, self.reads) = (since.as_secs_f64(), bytes, reads);
        }
        let elapsed = now - self.when;
        let is_packed = flow.reads.saturating_sub(self.reads) < READS && elapsed < period * LONGEST_WINDOW;
        if elapsed < period * 0.99 || is_packed {
            return;
        }
        let raw = flow.bytes.saturating_sub(self.bytes) as f64 / elapsed;
        (self.when, self.bytes, self.reads) = (now, flow.bytes, flow.reads);
        if raw >= STALLED * self.peak {
            self.came_back = self.is_stalled.then_some(now).or(self.came_back);
            (self.alive, self.is_stalled) = (now, false);
        } else if now > self.alive + (STALLED_WINDOWS * period).max(STALLED_SECONDS) {
            (self.peak, self.alive, self.is_stalled) = (raw, now, false);
        } else {
            self.is_stalled = true;
        }
        self.begun.get_or_insert(raw);
        self.is_flat = self.rate.is_some_and(|before| raw < before * FLAT);
        let rate = self.rate.map_or(raw, |before| f64::midpoint(raw, before));
        self.rate = Some(rate);
        self.windows += 1;
        if !is_proved {
            self.peak = self.peak.max(raw);
        } else if self.windows > 1 {
            self.peak = self.peak.max(rate);
        }
    }
}
