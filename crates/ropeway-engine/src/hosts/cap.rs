//! How many connections a server bears, as it has shown: lowered at once when it refuses one, raised slowly again
//! while it is used.

use std::time::Duration;

use tokio::time::Instant;

/// One more connection is tried this long after the last change: often enough to use what a server that was busy has
/// again, seldom enough not to annoy one that means it.
const RAISED_EVERY: Duration = Duration::from_secs(60);
/// At this number nothing is learned any more: no job opens more.
const NO_CAP: u16 = 64;

/// Connections of a download that all break within this time broke with the line: that says nothing of their number.
const TOGETHER: Duration = Duration::from_secs(10);
/// A server whose connections break together twice within this time may well mean it.
const TWICE: Duration = Duration::from_secs(2 * 60);

/// The breaks of one moment, while it is open whether a connection was refused or the line is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Breaks {
    /// When the first of them was, and what the cap was before it.
    first: Option<(Instant, Option<LearnedCap>)>,
    /// When the cap was given back the last time.
    forgiven: Option<Instant>,
}

impl Breaks {
    /// A connection broke beside others; `before` is the cap that this lowers.
    pub(super) fn note(&mut self, before: Option<LearnedCap>, now: Instant) {
        if self.first.is_none_or(|(first, _)| now.duration_since(first) > TOGETHER) {
            self.first = Some((now, before));
        }
    }

    /// Cap of a server at which a download lost its last connection. `lowered` is what its breaks made of it.
    pub(super) fn all(&mut self, lowered: Option<LearnedCap>, now: Instant) -> Option<LearnedCap> {
        let Some((first, before)) = self.first.take() else { return lowered };
        let is_again = self.forgiven.is_some_and(|at| now.duration_since(at) < TWICE);
        if is_again || now.duration_since(first) > TOGETHER {
            return lowered;
        }
        self.forgiven = Some(now);
        before
    }
}

/// The learned cap of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LearnedCap {
    most: u16,
    changed: Instant,
}

impl LearnedCap {
    /// A cap as an earlier process learned it.
    pub(super) const fn new(most: u16, now: Instant) -> Self {
        Self { most, changed: now }
    }

    /// A connection was refused or broke beside `others` that are still open. Those are what the server bears.
    pub(super) fn lowered(before: Option<Self>, others: usize, now: Instant) -> Self {
        let left = u16::try_from(others.max(1)).unwrap_or(NO_CAP);
        Self { most: before.map_or(left, |before| before.most.min(left)), changed: now }
    }

    /// The cap after the server was left alone for so long, which shows nothing of what it bears.
    pub(super) fn rested(self, time: Duration) -> Self {
        Self { changed: self.changed + time, ..self }
    }

    /// The cap after the time that has passed with connections. `None` once it means nothing any more.
    pub(super) fn raised(self, now: Instant) -> Option<Self> {
        let steps = now.duration_since(self.changed).as_secs() / RAISED_EVERY.as_secs();
        let most = self.most.saturating_add(u16::try_from(steps).unwrap_or(NO_CAP));
        let changed = if steps == 0 { self.changed } else { now };
        (most < NO_CAP).then_some(Self { most, changed })
    }

    pub(super) const fn most(self) -> u16 {
        self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_leaves_what_is_still_open_and_never_nothing() {
        let now = Instant::now();
        for (before, others, expected) in [(None, 7, 7), (None, 0, 1), (Some(3), 7, 3), (Some(5), 4, 4)] {
            let before = before.map(|most| LearnedCap::new(most, now));
            assert_eq!(LearnedCap::lowered(before, others, now).most(), expected, "{others} others");
        }
    }

    #[test]
    fn breaks_of_one_moment_that_spare_nothing_are_the_lines_and_not_twice_in_a_row() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let cap = |most| Some(LearnedCap::new(most, start));
        let mut breaks = Breaks::default();
        assert_eq!(breaks.all(cap(9), at(0)), cap(9), "nothing broke beside others");
        breaks.note(cap(12), at(1));
        breaks.note(cap(7), at(2));
        assert_eq!(breaks.all(cap(1), at(3)), cap(12));
        breaks.note(cap(12), at(60));
        assert_eq!(breaks.all(cap(1), at(61)), cap(1), "it may well mean it");
        breaks.note(cap(12), at(300));
        assert_eq!(breaks.all(cap(7), at(320)), cap(7), "one was refused, and much later the others broke");
        breaks.note(cap(12), at(400));
        breaks.note(None, at(420));
        assert_eq!(breaks.all(cap(1), at(421)), None);
    }

    #[test]
    fn it_rises_by_one_a_minute_and_is_forgotten_in_the_end() {
        let start = Instant::now();
        let mut cap = LearnedCap::new(4, start);
        for (second, expected) in [(30, 4), (60, 5), (90, 5), (120, 6), (300, 9)] {
            cap = cap.raised(start + Duration::from_secs(second)).unwrap();
            assert_eq!(cap.most(), expected, "after {second} s");
        }
        assert_eq!(cap.raised(start + Duration::from_secs(2 * 3600)), None);
    }
}
