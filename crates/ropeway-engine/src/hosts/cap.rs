//! How many connections a server bears, as it has shown: lowered at once when it refuses one, raised slowly again.

use std::time::Duration;

use tokio::time::Instant;

/// One more connection is tried this long after the last change: often enough to use what a server that was busy has
/// again, seldom enough not to annoy one that means it.
const RAISED_EVERY: Duration = Duration::from_secs(60);
/// At this number nothing is learned any more: no job opens more.
const NO_CAP: u16 = 64;

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

    /// A connection was refused while `open` were open, itself included, of which `well` had been answered: what is
    /// left is what the server bears, but no single refusal takes more than half.
    pub(super) fn lowered(before: Option<Self>, open: usize, well: usize, now: Instant) -> Self {
        let left = well.max(open / 2).min(open.saturating_sub(1)).max(1);
        let left = u16::try_from(left).unwrap_or(NO_CAP);
        Self { most: before.map_or(left, |before| before.most.min(left)), changed: now }
    }

    /// The cap after the time that has passed; `None` once it means nothing any more.
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
    fn a_refusal_leaves_what_is_served_and_no_less_than_half() {
        let now = Instant::now();
        for (before, open, well, expected) in
            [(None, 8, 4, 4), (None, 8, 0, 4), (None, 8, 8, 7), (None, 2, 1, 1), (None, 1, 0, 1), (Some(3), 8, 6, 3)]
        {
            let before = before.map(|most| LearnedCap::new(most, now));
            assert_eq!(LearnedCap::lowered(before, open, well, now).most(), expected, "{open} open, {well} well");
        }
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
