//! What the workers of one download have learned of the way to the server.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use parking_lot::Mutex;
use ropeway_drivers::Handshake;

use super::{growth::Way, seam::LONGEST_LEAD};

/// First answer, with what it told of the way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FirstAnswer {
    /// From the request to the answer's head.
    pub(super) took: Duration,
    pub(super) handshake: Option<Handshake>,
    /// True where the server says that it serves ranges.
    pub(super) offers_ranges: bool,
}

/// How a server takes requests for ranges, and how long it takes to answer them.
#[derive(Debug)]
pub(super) struct RangeSupport {
    /// Bytes before the rest of a file that are asked for with it.
    lead: AtomicU64,
    serves: AtomicBool,
    refuses: AtomicBool,
    is_secure: bool,
    times: Mutex<Times>,
    /// Microseconds that a fresh connection costs; 0 while that is not known.
    cold: AtomicU64,
    /// Length of the file, where the first answer left it open and a later one told it.
    length: OnceLock<u64>,
}

impl Default for RangeSupport {
    fn default() -> Self {
        Self {
            lead: AtomicU64::new(LONGEST_LEAD),
            serves: AtomicBool::new(false),
            refuses: AtomicBool::new(false),
            is_secure: false,
            times: Mutex::default(),
            cold: AtomicU64::new(0),
            length: OnceLock::new(),
        }
    }
}

/// The shortest times that were seen: what is longer has waited for something else.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    round_trip: Option<Duration>,
    /// To open a connection, encryption included.
    handshake: Option<Duration>,
    /// From a request to its answer's head on a new connection, and on an open one.
    opening: Option<Duration>,
    asking: Option<Duration>,
    /// From the last request to its answer's head.
    last: Duration,
}

impl RangeSupport {
    /// Bytes before the rest of a file that are asked for with it.
    pub(super) fn lead(&self) -> u64 {
        self.lead.load(Relaxed)
    }

    /// An answer ended behind so many of them, as its head said. The next one is to bring something new, too.
    pub(super) fn shorten_lead(&self, came: u64) {
        self.lead.fetch_min(came / 4, Relaxed);
    }

    /// A way of which no more is known than its `first` answer, or that answers came after `latency`.
    pub(super) fn new(is_secure: bool, first: Option<FirstAnswer>, latency: Option<Duration>) -> Self {
        let support = Self { is_secure, ..Self::default() };
        match first {
            Some(first) => support.note(first.took, first.handshake, true),
            None => support.times.lock().last = latency.unwrap_or_default(),
        }
        support
    }

    /// A request was answered, on a new connection or on one that was open; with `as_range` the answer was the range that
    /// was asked for.
    pub(super) fn answered(&self, took: Duration, handshake: Option<Handshake>, is_new: bool, as_range: bool) {
        self.note(took, handshake, is_new);
        if as_range {
            self.serves.store(true, Relaxed);
        }
    }

    fn note(&self, took: Duration, handshake: Option<Handshake>, is_new: bool) {
        let least = |had: &mut Option<Duration>, now: Duration| *had = Some(had.map_or(now, |had| had.min(now)));
        let mut times = self.times.lock();
        if let Some(handshake) = handshake {
            least(&mut times.round_trip, handshake.round_trip);
            least(&mut times.handshake, handshake.took);
        }
        least(if is_new { &mut times.opening } else { &mut times.asking }, took);
        times.last = took;
    }

    /// An answer told the file's length. `false` if an earlier one told another.
    pub(super) fn learn_length(&self, length: u64) -> bool {
        *self.length.get_or_init(|| length) == length
    }

    /// Length of the file, as far as answers told it.
    pub(super) fn length(&self) -> Option<u64> {
        self.length.get().copied()
    }

    /// Another request beside the first one was refused. What is open is all there is.
    pub(super) fn refuse_ranges(&self) {
        self.refuses.store(true, Relaxed);
    }

    pub(super) fn serves_ranges(&self) -> bool {
        self.serves.load(Relaxed)
    }

    pub(super) fn refuses_ranges(&self) -> bool {
        self.refuses.load(Relaxed) && !self.serves_ranges()
    }

    /// Time that the server took to answer last, with whatever that took.
    pub(super) fn last_answer(&self) -> Duration {
        self.times.lock().last
    }

    /// Length of the way in time. Where nobody saw a handshake, an answer on a new connection has taken two round
    /// trips, with encryption three.
    pub(super) fn way(&self) -> Way {
        let times = *self.times.lock();
        let trips = if self.is_secure { 3 } else { 2 };
        let opening = times.opening.unwrap_or(times.last);
        let round_trip = times.round_trip.unwrap_or(opening / trips);
        Way { round_trip, opening: opening.max(round_trip * trips) }
    }

    /// What a fresh connection costs, as the growth of the download has it.
    pub(super) fn set_cold(&self, cold: Duration) {
        self.cold.store(u64::try_from(cold.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    /// What a fresh connection costs: at least the time to its first byte.
    pub(super) fn cold(&self) -> Duration {
        Duration::from_micros(self.cold.load(Relaxed)).max(self.way().opening)
    }

    /// Until the first byte on a connection that is open.
    pub(super) fn asking(&self) -> Duration {
        let times = *self.times.lock();
        let way = self.way();
        let rest = || match times.handshake {
            Some(handshake) => way.opening.saturating_sub(handshake),
            None => way.round_trip,
        };
        times.asking.unwrap_or_else(rest).max(way.round_trip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn first(took: u32, handshake: Option<(u32, u32)>) -> FirstAnswer {
        let handshake = handshake.map(|(trip, took)| Handshake { round_trip: MS * trip, took: MS * took });
        FirstAnswer { took: MS * took, handshake, offers_ranges: true }
    }

    #[test]
    fn the_first_length_that_is_told_is_the_files_and_no_answer_may_tell_another() {
        let support = RangeSupport::default();
        assert_eq!(support.length(), None);
        assert!(support.learn_length(5) && support.learn_length(5));
        assert!(!support.learn_length(6));
        assert_eq!(support.length(), Some(5));
    }

    #[test]
    fn the_round_trip_is_a_handshake_and_what_a_server_thinks_is_none() {
        for (is_secure, first, trip, opening, asking) in [
            (false, first(200, Some((100, 100))), 100, 200, 100),
            (false, first(1100, Some((50, 50))), 50, 1100, 1050),
            (true, first(310, Some((100, 205))), 100, 310, 105),
            (false, first(200, None), 100, 200, 100),
            (true, first(300, None), 100, 300, 100),
        ] {
            let support = RangeSupport::new(is_secure, Some(first), None);
            assert_eq!(support.way(), Way { round_trip: MS * trip, opening: MS * opening }, "{first:?}");
            assert_eq!(support.asking(), MS * asking, "{first:?}");
        }
    }

    #[test]
    fn a_fresh_connection_costs_what_the_growth_says_and_never_less_than_an_answer() {
        let support = RangeSupport::new(false, Some(first(200, Some((100, 100)))), None);
        for (said, costs) in [(0, 200), (350, 350), (199, 200)] {
            support.set_cold(MS * said);
            assert_eq!(support.cold(), MS * costs, "{said}");
        }
    }

    #[test]
    fn what_was_slow_once_is_forgotten_for_what_was_quick() {
        let support = RangeSupport::new(false, Some(first(900, Some((300, 300)))), None);
        support.answered(MS * 200, first(0, Some((100, 100))).handshake, true, true);
        support.answered(MS * 120, None, false, true);
        assert_eq!((support.way().opening, support.asking(), support.last_answer()), (MS * 200, MS * 120, MS * 120));
        let unknown = RangeSupport::new(false, None, Some(MS * 80));
        assert_eq!((unknown.way().opening, unknown.last_answer()), (MS * 80, MS * 80));
    }
}
