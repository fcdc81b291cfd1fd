//! Whether the first connections bring so much that more of them could only cost.

use std::time::Duration;

use tokio::time::Instant;

use crate::plan::PLENTY;

/// Below this it is over: a rate that goes up and down is no reason to change.
const NO_LONGER_PLENTY: u64 = PLENTY / 2;
/// What is seen in less than this says nothing: a server hands out what its buffers hold at once.
pub(super) const GLANCE: Duration = Duration::from_millis(10);
/// A look costs half as much time as the answers of such a server, at most.
const NEAR: Duration = GLANCE.saturating_mul(2);

/// What the line has been seen to bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// Nothing yet.
    Nothing,
    /// As much as the machine takes.
    Plenty,
    /// Less: the line is what the download waits for.
    Ordinary,
}

/// How much the line brings, seen again and again.
#[derive(Debug)]
pub(super) struct Supply {
    seen: Seen,
    since: Instant,
    /// Bytes that had moved by then.
    moved: u64,
    is_answered: bool,
}

impl Supply {
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
        if elapsed < GLANCE {
            return;
        }
        let rate = u128::from(moved.saturating_sub(self.moved)) * 1_000_000 / elapsed.as_micros();
        let rate = u64::try_from(rate).unwrap_or(u64::MAX);
        self.seen = match self.seen {
            // Once it was ordinary, a burst changes nothing.
            Seen::Ordinary => Seen::Ordinary,
            Seen::Nothing if rate >= PLENTY => Seen::Plenty,
            Seen::Plenty if rate >= NO_LONGER_PLENTY => Seen::Plenty,
            Seen::Nothing | Seen::Plenty => Seen::Ordinary,
        };
        (self.since, self.moved) = (now, moved);
    }

    /// Whether it is to be looked at after each [`GLANCE`].
    pub(super) fn is_unknown(&self) -> bool {
        self.seen == Seen::Nothing
    }

    /// Whether more connections may come as fast as the server answers.
    pub(super) fn is_ordinary(&self) -> bool {
        self.seen == Seen::Ordinary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn what_brings_four_gigabits_a_second_is_plenty_until_it_falls_to_half() {
        let start = Instant::now();
        let mut supply = Supply::new(Duration::ZERO, start, 0);
        supply.answered(start + GLANCE / 10, 0);
        assert!(supply.is_unknown());
        supply.look(start + GLANCE, 9 * MIB);
        assert!(supply.is_unknown(), "not long enough behind the answer");
        supply.look(start + 2 * GLANCE, 18 * MIB);
        assert!(!supply.is_unknown() && !supply.is_ordinary());
        supply.look(start + 3 * GLANCE, 21 * MIB);
        assert!(!supply.is_ordinary(), "300 MiB/s are no reason to change");
        supply.look(start + 4 * GLANCE, 23 * MIB);
        assert!(supply.is_ordinary());
        supply.look(start + 5 * GLANCE, 60 * MIB);
        assert!(supply.is_ordinary(), "for good");
    }

    #[test]
    fn a_server_that_hands_out_what_its_buffers_hold_is_an_ordinary_one() {
        let start = Instant::now();
        let mut supply = Supply::new(Duration::ZERO, start, 0);
        supply.look(start + GLANCE, 4 * MIB);
        assert!(supply.is_ordinary());
    }

    #[test]
    fn waiting_for_the_first_answer_is_not_counted() {
        let start = Instant::now();
        let mut supply = Supply::new(Duration::ZERO, start, 7);
        supply.answered(start + 9 * GLANCE / 10, 7);
        supply.look(start + 19 * GLANCE / 10, 7 + 6 * MIB);
        assert!(!supply.is_unknown() && !supply.is_ordinary());
    }

    #[test]
    fn a_server_that_is_far_away_is_an_ordinary_one() {
        let is_ordinary = |latency| Supply::new(latency, Instant::now(), 0).is_ordinary();
        assert!(is_ordinary(NEAR) && !is_ordinary(NEAR / 2));
    }
}
