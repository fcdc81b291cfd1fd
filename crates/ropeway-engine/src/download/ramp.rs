//! How many connections a download uses: more while that makes it faster, fewer once the server refuses them.

use std::time::Duration;

use tokio::time::Instant;

use super::supply::Supply;
use crate::plan::{EAGER_CONNECTIONS, FIRST_CONNECTIONS};

/// A step lasts this long: half for the new connections to come to speed, half to be measured.
const STEP: Duration = Duration::from_secs(1);
/// Of what a connection brings on average, a new one must bring this much to be kept.
const LEAST_YIELD: f64 = 0.1;
/// Lines change: after this long what was enough is measured again.
const SETTLED: Duration = Duration::from_secs(30);
/// A server that refused a connection is asked for one more after this long at the earliest.
const REFUSED: Duration = Duration::from_secs(10);
/// Connections that broke are replaced one after the other, with this between them.
const BROKEN: Duration = Duration::from_secs(1);

/// The number of connections of one download.
#[derive(Debug)]
pub(super) struct Ramp {
    allowed: usize,
    /// As many as that come before any has been answered; 0 once there is a reason for fewer.
    first: usize,
    /// No more than this, whatever they would bring.
    wanted: usize,
    /// When one more is tried after a connection was lost.
    retry_at: Option<Instant>,
    /// How long each of them is watched before the next one is tried.
    trial: Duration,
    /// Whether one is being tried.
    is_trying: bool,
    /// Connections lost in a row.
    lost: u32,
    /// Whether all that are open have been answered, and more have not come yet.
    is_answered: bool,
    supply: Supply,
    growth: Growth,
}

/// Growing beyond what is opened at once.
#[derive(Debug)]
enum Growth {
    /// Nothing to measure before this moment.
    Rests(Option<Instant>),
    /// The new connections come to speed until then.
    Warms { until: Instant, before: Option<Measured> },
    /// The transfer is measured.
    Measures { since: Instant, moved: u64, before: Option<Measured> },
}

/// What some connections brought together.
#[derive(Clone, Copy, Debug)]
struct Measured {
    connections: usize,
    /// Bytes a second.
    rate: f64,
}

impl Ramp {
    /// Begins with `first` of at most `wanted` connections, or with the least number until `supply` is known.
    pub(super) fn new(first: usize, wanted: usize, supply: Supply) -> Self {
        let first = first.min(wanted);
        Self {
            allowed: if supply.is_ordinary() { first } else { first.min(FIRST_CONNECTIONS) },
            first,
            wanted,
            retry_at: None,
            trial: BROKEN,
            is_trying: false,
            lost: 0,
            is_answered: false,
            supply,
            growth: Growth::Rests(None),
        }
    }

    /// Connections that may be open now.
    pub(super) fn allowed(&self) -> usize {
        self.allowed
    }

    /// Whether a lost connection will be replaced.
    pub(super) fn is_waiting(&self) -> bool {
        self.retry_at.is_some()
    }

    /// All that are open have been answered with ranges: twice as many may come, up to the number that is never too
    /// many, where these do not bring plenty already.
    pub(super) fn answered(&mut self, now: Instant, moved: u64) {
        self.is_answered = true;
        self.supply.answered(now, moved);
        self.open();
    }

    /// Whether [`Ramp::glance`] is to be called after each [`super::supply::GLANCE`].
    pub(super) fn is_glancing(&self) -> bool {
        self.supply.is_unknown() && self.allowed < self.wanted
    }

    /// Looks at what the first connections bring.
    pub(super) fn glance(&mut self, now: Instant, moved: u64) {
        self.supply.look(now, moved);
        self.open();
    }

    /// Lets more connections come, where what is known of the line and of the server speaks for it.
    fn open(&mut self) {
        if self.retry_at.is_some() || self.lost > 0 {
            return;
        }
        let most = if self.supply.is_ordinary() { EAGER_CONNECTIONS } else { FIRST_CONNECTIONS };
        if self.supply.is_ordinary() && self.allowed < self.first {
            self.allowed = self.first;
        } else if self.is_answered {
            self.allowed = (self.allowed * 2).min(most).max(self.allowed).min(self.wanted);
        } else {
            return;
        }
        self.is_answered = self.allowed >= most && !self.supply.is_ordinary();
    }

    /// No more than so many for now: what spoke for more is over.
    fn shrink(&mut self, allowed: usize) {
        (self.allowed, self.first, self.is_answered) = (allowed, 0, false);
    }

    /// One stream is all there is.
    pub(super) fn single(&mut self) {
        (self.allowed, self.first, self.wanted) = (1, 1, 1);
        (self.retry_at, self.lost) = (None, 0);
    }

    /// Connections lost in a row, this one included.
    pub(super) fn losses(&self) -> u32 {
        self.lost.saturating_add(1)
    }

    /// A connection was lost while `working` others go on; one more is tried after `wait`, `None` gives it up. Alone it
    /// cannot be replaced: then the whole try ends and waits its turn.
    pub(super) fn lose(&mut self, working: usize, wait: Option<Duration>, is_refusal: bool, now: Instant) {
        self.lost = self.losses();
        self.shrink(working);
        self.trial = if is_refusal { REFUSED } else { BROKEN };
        self.is_trying = false;
        let wait = wait.filter(|_| working > 0).map(|wait| if is_refusal { wait.max(REFUSED) } else { wait });
        self.retry_at = wait.map(|wait| now + wait);
        self.growth = Growth::Rests(Some(now + SETTLED));
    }

    /// The server is not to be asked for anything new for as long as `wait`: what is open goes on.
    pub(super) fn rest(&mut self, working: usize, wait: Duration, now: Instant) {
        self.shrink(working);
        self.trial = BROKEN;
        self.is_trying = false;
        self.retry_at = (working > 0).then(|| now + wait);
        self.growth = Growth::Rests(Some(now + wait));
    }

    /// One connection fewer: the server lets it wait.
    pub(super) fn lower(&mut self, working: usize, now: Instant) {
        self.lose(working.saturating_sub(1).max(1), Some(REFUSED), true, now);
    }

    /// One connection fewer, for another job: no word on what the server bears.
    pub(super) fn give_way(&mut self, working: usize, now: Instant) {
        self.shrink(working.saturating_sub(1).max(1));
        self.growth = Growth::Rests(Some(now + SETTLED));
    }

    /// Time has passed: `moved` bytes are here, `working` connections are open, and a limit of our own `is_limited`.
    pub(super) fn tick(&mut self, now: Instant, moved: u64, working: usize, is_limited: bool) {
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry(now);
        }
        self.glance(now, moved);
        let is_measured = self.allowed >= EAGER_CONNECTIONS || !self.supply.is_ordinary();
        let is_busy = working >= self.allowed && is_measured && self.retry_at.is_none();
        if !is_busy || is_limited || self.wanted <= self.allowed.min(EAGER_CONNECTIONS) {
            if !matches!(self.growth, Growth::Rests(_)) {
                self.growth = Growth::Rests(None);
            }
            return;
        }
        self.grow(now, moved);
    }

    /// One more connection stands on trial: where it is lost, too, the next one waits longer.
    fn retry(&mut self, now: Instant) {
        if self.is_trying {
            self.lost = 0;
        }
        self.is_trying = self.allowed < self.wanted;
        self.allowed = (self.allowed + 1).min(self.wanted);
        self.retry_at = self.is_trying.then(|| now + self.trial);
    }

    fn grow(&mut self, now: Instant, moved: u64) {
        match self.growth {
            Growth::Rests(Some(until)) if now < until => {}
            Growth::Rests(_) => self.growth = Growth::Warms { until: now + STEP / 2, before: None },
            Growth::Warms { until, .. } if now < until => {}
            Growth::Warms { before, .. } => self.growth = Growth::Measures { since: now, moved, before },
            Growth::Measures { since, .. } if now < since + STEP / 2 => {}
            Growth::Measures { since, moved: from, before } => {
                let measured =
                    Measured { connections: self.allowed, rate: per_second(moved - from.min(moved), now - since) };
                self.growth = self.step(measured, before, now);
            }
        }
    }

    /// Takes the next step, or the last one back.
    fn step(&mut self, measured: Measured, before: Option<Measured>, now: Instant) -> Growth {
        if let Some(before) = before
            && yield_of(before, measured) < LEAST_YIELD
        {
            self.allowed = before.connections;
            return Growth::Rests(Some(now + SETTLED));
        }
        let more = (self.allowed + (self.allowed / 4).max(1)).min(self.wanted);
        if more == self.allowed {
            return Growth::Rests(Some(now + SETTLED));
        }
        self.allowed = more;
        Growth::Warms { until: now + STEP / 2, before: Some(measured) }
    }
}

/// What each connection that came between the two brought, as a share of what one brought before.
#[expect(clippy::cast_precision_loss, reason = "at most 64 connections")]
fn yield_of(before: Measured, after: Measured) -> f64 {
    let added = after.connections.saturating_sub(before.connections).max(1) as f64;
    let usual = before.rate / before.connections.max(1) as f64;
    if usual <= 0.0 { 1.0 } else { (after.rate - before.rate) / added / usual }
}

#[expect(clippy::cast_precision_loss, reason = "bytes of one second")]
fn per_second(bytes: u64, elapsed: Duration) -> f64 {
    bytes as f64 / elapsed.as_secs_f64().max(0.001)
}

#[cfg(test)]
mod tests {
    use super::{super::supply::GLANCE, *};

    /// A ramp on an ordinary line.
    fn ordinary(first: usize, wanted: usize) -> Ramp {
        let start = Instant::now();
        let mut ramp = Ramp::new(first, wanted, Supply::new(None, start, 0));
        ramp.glance(start + GLANCE, 0);
        ramp
    }

    /// Every connection was answered, and nothing more is seen of the line.
    fn answer(ramp: &mut Ramp) {
        ramp.answered(Instant::now(), 0);
    }

    /// Runs a ramp over a line where `rate_of` connections bring so many bytes a second, and returns what it allows at
    /// the end.
    fn settled(wanted: usize, seconds: u32, rate_of: impl Fn(usize) -> u64) -> usize {
        let start = Instant::now();
        let mut ramp = ordinary(2, wanted);
        (0..4).for_each(|_| answer(&mut ramp));
        let mut moved = 0;
        for tick in 1..=seconds * 10 {
            moved += rate_of(ramp.allowed()) / 10;
            let working = ramp.allowed();
            ramp.tick(start + tick * Duration::from_millis(100), moved, working, false);
        }
        ramp.allowed()
    }

    #[test]
    fn connections_double_with_every_round_of_answers() {
        let mut ramp = ordinary(2, 64);
        let numbers: Vec<usize> = (0..4)
            .map(|_| {
                answer(&mut ramp);
                ramp.allowed()
            })
            .collect();
        assert_eq!(numbers, [4, 8, 8, 8]);
        let mut few = ordinary(2, 3);
        answer(&mut few);
        assert_eq!(few.allowed(), 3, "never more than wanted");
    }

    #[test]
    fn more_than_the_first_eight_come_only_while_the_transfer_grows() {
        let per_connection = |count: usize| count as u64 * 1_000_000;
        assert_eq!(settled(32, 20, per_connection), 32, "each connection is capped: as many as wanted");
        assert_eq!(settled(32, 20, |_| 50_000_000), 8, "the line is full");
        let full_at_fifteen = |count: usize| count.min(15) as u64 * 1_000_000;
        let count = settled(64, 20, full_at_fifteen);
        assert!((12..=18).contains(&count), "{count}");
    }

    #[test]
    fn what_was_enough_is_measured_again_after_a_while() {
        assert_eq!(settled(10, 25, |_| 50_000_000), 8);
        let start = Instant::now();
        let mut ramp = ordinary(8, 10);
        let mut highest = 0;
        for tick in 1..=400_u32 {
            ramp.tick(start + tick * Duration::from_millis(100), u64::from(tick) * 5_000_000, ramp.allowed(), false);
            if tick > 300 {
                highest = highest.max(ramp.allowed());
            }
        }
        assert_eq!(highest, 10);
    }

    #[test]
    fn a_refused_connection_lowers_the_number_and_one_more_is_tried_later() {
        let now = Instant::now();
        let mut ramp = ordinary(8, 8);
        ramp.lose(5, Some(Duration::from_millis(100)), true, now);
        answer(&mut ramp);
        assert_eq!(ramp.allowed(), 5, "answers of the others do not bring it back");
        ramp.tick(now + Duration::from_secs(9), 0, 5, false);
        assert_eq!(ramp.allowed(), 5);
        ramp.tick(now + Duration::from_secs(10), 0, 5, false);
        assert_eq!(ramp.allowed(), 6);
        ramp.lose(0, Some(Duration::ZERO), false, now);
        assert!(!ramp.is_waiting(), "alone it is not replaced: the whole try waits");
    }

    #[test]
    fn under_a_limit_of_our_own_nothing_grows() {
        let start = Instant::now();
        let mut ramp = ordinary(8, 32);
        for tick in 1..=100_u32 {
            ramp.tick(start + tick * Duration::from_millis(100), u64::from(tick) * 1_000_000, 8, true);
        }
        assert_eq!(ramp.allowed(), 8);
    }

    #[test]
    fn where_two_connections_bring_plenty_more_come_one_by_one_and_only_while_they_help() {
        let allowed_after = |ticks: u32, rate_of: fn(usize) -> u64| {
            let start = Instant::now();
            let mut ramp = Ramp::new(4, 4, Supply::new(None, start, 0));
            ramp.answered(start, 0);
            let mut moved = 0;
            for tick in 1..=ticks {
                moved += rate_of(ramp.allowed()) / 100;
                let now = start + tick * GLANCE;
                ramp.answered(now, moved);
                ramp.tick(now, moved, ramp.allowed(), false);
            }
            ramp.allowed()
        };
        assert_eq!(allowed_after(90, |_| 1 << 30), 2, "the machine is busy with two");
        assert_eq!(allowed_after(140, |_| 1 << 30), 3, "a third one is tried");
        assert_eq!(allowed_after(300, |_| 1 << 30), 2, "and brought nothing");
        assert_eq!(allowed_after(400, |count| (count as u64) << 29), 4, "each brings as much as the first");
        assert_eq!(allowed_after(3, |count| (count as u64) << 25), 4, "an ordinary line: as fast as it answers");
    }

    #[test]
    fn a_connection_that_was_given_up_for_another_job_does_not_come_back_by_itself() {
        let start = Instant::now();
        for rate in [1 << 20, 1 << 30] {
            let mut ramp = Ramp::new(4, 8, Supply::new(None, start, 0));
            ramp.answered(start, 0);
            ramp.glance(start + GLANCE, rate / 100);
            let had = ramp.allowed();
            ramp.give_way(had, start + GLANCE);
            for tick in 2..=50_u32 {
                ramp.tick(start + tick * GLANCE, u64::from(tick) * rate / 100, ramp.allowed(), false);
            }
            assert_eq!(ramp.allowed(), had - 1, "{rate} bytes a second");
        }
    }
}
