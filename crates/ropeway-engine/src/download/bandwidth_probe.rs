//! Whether the first connections bring so much that more of them could only cost.

use std::time::Duration;

use tokio::time::Instant;

use crate::plan::SATURATED;

/// Below this it is over: a rate that goes up and down is no reason to change.
const NO_LONGER_SATURATED: u64 = SATURATED / 2;
/// What is seen in less than this says nothing: a server hands out what its buffers hold at once.
pub(super) const SAMPLE_PERIOD: Duration = Duration::from_millis(10);
/// A look costs half as much time as the answers of such a server, at most.
const NEAR: Duration = SAMPLE_PERIOD.saturating_mul(2);

/// What the line has been seen to bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// Nothing yet.
    Nothing,
    /// As much as the machine takes.
    Saturated,
    /// Less: the line is what the download waits for.
    Ordinary,
}

/// Probe of what the line brings, sampled again and again.
#[derive(Debug)]
pub(super) struct BandwidthProbe {
    seen: Seen,
    since: Instant,
    /// Bytes that had moved by then.
    moved: u64,
    is_answered: bool,
}

impl BandwidthProbe {
    /// A line of which nothing is known but that a server answers after so long, when `moved` bytes have moved. Only one that
    /// answers within [`NEAR`] is looked at: one that is farther away never fills a machine with two connections.
    pub(super) fn new(latency: Duration, now: Instant, moved: u64) -> Self {
        let is_near = latency < NEAR;
        let seen = if is_near { Seen::Nothing } else { Seen::Ordinary };
        Self { seen, since: now, moved, is_answered: false }
    }

    /// A request was answered. What was waited for the first answer is no word on the line.
    pub(super) fn answered(&mut self, now: Instant, moved: u64) {
        if !self.is_answered && moved == self.moved {
            self.since = now;
        }
        self.is_answered = true;
        self.look(now, moved);
    }

    /// Compares with the last look, where that was long enough ago.
    pub(super) fn look(&mut self, now: Instant, moved: u64) {
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed < SAMPLE_PERIOD {
            return;
        }
        let rate = u128::from(moved.saturating_sub(self.moved)) * 1_000_000 / elapsed.as_micros();
        let rate = u64::try_from(rate).unwrap_or(u64::MAX);
        self.seen = match self.seen {
            // Once it was ordinary, a burst changes nothing.
            Seen::Ordinary => Seen::Ordinary,
            Seen::Nothing if rate >= SATURATED => Seen::Saturated,
            Seen::Saturated if rate >= NO_LONGER_SATURATED => Seen::Saturated,
            Seen::Nothing | Seen::Saturated => Seen::Ordinary,
        };
        (self.since, self.moved) = (now, moved);
    }

    /// True where it is to be looked at after each [`SAMPLE_PERIOD`].
    pub(super) fn is_unknown(&self) -> bool {
        self.seen == Seen::Nothing
    }

    /// True where more connections may come as fast as the server answers.
    pub(super) fn is_ordinary(&self) -> bool {
        self.seen == Seen::Ordinary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn what_brings_four_gigabits_a_second_saturates_until_it_falls_to_half() {
        let start = Instant::now();
        let mut probe = BandwidthProbe::new(Duration::ZERO, start, 0);
        probe.answered(start + SAMPLE_PERIOD / 10, 0);
        assert!(probe.is_unknown());
        probe.look(start + SAMPLE_PERIOD, 9 * MIB);
        assert!(probe.is_unknown(), "not long enough behind the answer");
        probe.look(start + 2 * SAMPLE_PERIOD, 18 * MIB);
        assert!(!probe.is_unknown() && !probe.is_ordinary());
        probe.look(start + 3 * SAMPLE_PERIOD, 21 * MIB);
        assert!(!probe.is_ordinary(), "300 MiB/s are no reason to change");
        probe.look(start + 4 * SAMPLE_PERIOD, 23 * MIB);
        assert!(probe.is_ordinary());
        probe.look(start + 5 * SAMPLE_PERIOD, 60 * MIB);
        assert!(probe.is_ordinary(), "for good");
    }

    #[test]
    fn a_server_that_hands_out_what_its_buffers_hold_is_an_ordinary_one() {
        let start = Instant::now();
        let mut probe = BandwidthProbe::new(Duration::ZERO, start, 0);
        probe.look(start + SAMPLE_PERIOD, 4 * MIB);
        assert!(probe.is_ordinary());
    }

    #[test]
    fn waiting_for_the_first_answer_is_not_counted() {
        let start = Instant::now();
        let mut probe = BandwidthProbe::new(Duration::ZERO, start, 7);
        probe.answered(start + 9 * SAMPLE_PERIOD / 10, 7);
        probe.look(start + 19 * SAMPLE_PERIOD / 10, 7 + 6 * MIB);
        assert!(!probe.is_unknown() && !probe.is_ordinary());
    }

    #[test]
    fn a_server_that_is_far_away_is_an_ordinary_one() {
        let is_ordinary = |latency| BandwidthProbe::new(latency, Instant::now(), 0).is_ordinary();
        assert!(is_ordinary(NEAR) && !is_ordinary(NEAR / 2));
    }
}
