//! When a server is left alone: a circuit breaker.
//!
//! ```text
//! closed ──nobody listens, or five jobs in a row fail──▶ open ──rest is over──▶ half-open ──the probe succeeds──▶ recovering
//!   ▲                                                      ▲                        │ fails: twice the rest       │    │
//!   │                                                      └────────────────────────┴──────five jobs in a row fail┘    │
//!   └───────────────────────────────────────────────────────────────────────────────many jobs were answered───────────┘
//! ```

use std::time::Duration;

use tokio::time::Instant;

use super::Fault;

/// Faults in a row, of as many addresses, after which the server is left alone: fewer would take a hiccup, or a few files
/// that it cannot give, for its end.
pub(super) const SEVERAL: u32 = 5;
/// The first rest, before jitter.
const FIRST_REST: Duration = Duration::from_secs(2);
/// No rest is longer: a server that is back is found within this time.
const LONGEST_REST: Duration = Duration::from_secs(5 * 60);
/// A server that refuses connections is most often being restarted, or its machine is: so long it is probed at fixed
/// intervals, since a refused connection costs nothing.
const RESTARTS_WITHIN: Duration = Duration::from_secs(5 * 60);
/// How often at first: a server that is back is in use again at once.
const PROBED_EVERY: Duration = Duration::from_secs(1);
/// So long most restarts take at most.
const FIRST_MINUTE: Duration = Duration::from_secs(60);
/// How often behind the first minute.
const PROBED_THEN_EVERY: Duration = Duration::from_secs(5);
/// Jobs that may run right after a probe succeeded; doubled by each further success.
const FIRST_ALLOWED: usize = 2;
/// Once so many would be allowed the server counts as well.
const ALL_ALLOWED: usize = 64;

/// The breaker of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breaker {
    /// Jobs start as they come.
    Closed { failures: u32 },
    /// Nothing starts before `until`. `rests` counts the rests in a row, `since` is when the first of them began.
    Open { until: Instant, rests: u32, since: Instant },
    /// One job at a time tries whether the server is back.
    HalfOpen { is_probed: bool, rests: u32, since: Instant },
    /// The server is back: more and more jobs may run.
    Recovering { allowed: usize, failures: u32, rests: u32 },
}

/// Which of a server's queued jobs may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// None.
    Nobodys,
    /// The first in the queue.
    Firsts,
    /// The last of those that were not tried yet. Files that a server cannot give often stand together in a list: who finds
    /// out whether it is well is taken from both ends.
    Lasts,
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Breaker {
    /// Whose turn it is to start beside `running` jobs.
    pub(super) fn turn(self, running: usize, now: Instant) -> Turn {
        match self {
            Self::Open { until, .. } if until > now => Turn::Nobodys,
            Self::HalfOpen { is_probed: true, .. } => Turn::Nobodys,
            Self::Recovering { allowed, .. } if running >= allowed => Turn::Nobodys,
            Self::Open { rests, .. } | Self::HalfOpen { rests, .. } if rests % 2 == 1 => Turn::Lasts,
            Self::Closed { .. } | Self::Open { .. } | Self::HalfOpen { .. } | Self::Recovering { .. } => Turn::Firsts,
        }
    }

    /// True where the server is taken for well.
    pub(super) const fn is_closed(self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    /// A job starts; `true` if it is the probe.
    pub(super) fn start(&mut self, now: Instant) -> bool {
        match *self {
            Self::Open { until, rests, since } if until <= now => {
                *self = Self::HalfOpen { is_probed: true, rests, since };
            }
            Self::HalfOpen { is_probed: false, rests, since } => {
                *self = Self::HalfOpen { is_probed: true, rests, since };
            }
            _ => return false,
        }
        true
    }

    /// The server answered.
    pub(super) fn succeed(&mut self) {
        *self = match *self {
            // A straggler of before the rest says nothing about now.
            Self::Open { .. } => return,
            Self::Closed { .. } => Self::Closed { failures: 0 },
            Self::HalfOpen { rests, .. } => Self::Recovering { allowed: FIRST_ALLOWED, failures: 0, rests },
            Self::Recovering { allowed, .. } if allowed * 2 >= ALL_ALLOWED => Self::Closed { failures: 0 },
            Self::Recovering { allowed, rests, .. } => Self::Recovering { allowed: allowed * 2, failures: 0, rests },
        }
    }

    /// A try failed for the server's sake, and not at an address that is counted already. `random` is uniform in `[0, 1)`.
    pub(super) fn fail(&mut self, now: Instant, fault: Fault, random: f64) {
        let is_one_of_few = |failures: u32| fault != Fault::Refused && failures + 1 < SEVERAL;
        let (rests, since) = match *self {
            Self::Open { .. } => return,
            Self::Closed { failures } if is_one_of_few(failures) => {
                *self = Self::Closed { failures: failures + 1 };
                return;
            }
            Self::Recovering { allowed, failures, rests } if is_one_of_few(failures) => {
                *self = Self::Recovering { allowed, failures: failures + 1, rests };
                return;
            }
            Self::Closed { .. } => (0, now),
            Self::Recovering { rests, .. } => (rests, now),
            Self::HalfOpen { rests, since, .. } => (rests, since),
        };
        let down = now.duration_since(since);
        *self = if fault == Fault::Refused && down < RESTARTS_WITHIN {
            let every = if down < FIRST_MINUTE { PROBED_EVERY } else { PROBED_THEN_EVERY };
            Self::Open { until: now + every.mul_f64(0.8 + random / 5.0), rests, since }
        } else {
            let least = if fault == Fault::Refused { PROBED_THEN_EVERY } else { Duration::ZERO };
            let after = if let Fault::OfAddress { after } = fault { after } else { None };
            Self::Open { until: now + rest(rests, after, random).max(least), rests: rests.saturating_add(1), since }
        };
    }

    /// The probe ended without telling anything of the server.
    pub(super) fn withdraw(&mut self) {
        if let Self::HalfOpen { is_probed, .. } = self {
            *is_probed = false;
        }
    }

    /// The user wants to know now: the rest is over.
    pub(super) fn forgive(&mut self) {
        if let Self::Open { rests, since, .. } = *self {
            *self = Self::HalfOpen { is_probed: false, rests, since };
        }
    }

    /// End of the rest, if there is one.
    pub(super) fn rests_until(self, now: Instant) -> Option<Instant> {
        match self {
            Self::Open { until, .. } if until > now => Some(until),
            _ => None,
        }
    }

    /// For how long a server that refuses connections has done so and when it is probed next, while it may be a restart.
    pub(super) fn restarts(self, now: Instant) -> Option<Restart> {
        let Self::Open { until, since, .. } = self else { return None };
        let down = now.duration_since(since);
        (down < RESTARTS_WITHIN).then(|| Restart { down, probed_in: until.saturating_duration_since(now) })
    }
}

/// A server that refuses connections and may only be restarting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Restart {
    /// For how long it has been away.
    pub(crate) down: Duration,
    /// When it is asked next.
    pub(crate) probed_in: Duration,
}

impl Restart {
    /// True where it is away for no longer than most restarts take.
    pub(crate) fn is_recent(self) -> bool {
        self.down < FIRST_MINUTE
    }
}

/// Half of it is fixed so that a rest is a rest, half is drawn so that clients do not come back together. What the
/// server asks for is obeyed, up to [`LONGEST_REST`]: a wrong header must not park a whole server, and one probe in
/// five minutes harms nobody.
fn rest(rests: u32, after: Option<Duration>, random: f64) -> Duration {
    let ceiling = FIRST_REST.saturating_mul(2_u32.saturating_pow(rests)).min(LONGEST_REST);
    let drawn = ceiling.mul_f64(0.5 + random / 2.0);
    let asked = after.unwrap_or_default().min(LONGEST_REST);
    drawn.max(asked.mul_f64(1.0 + random / 10.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAULT: Fault = Fault::OfAddress { after: None };

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn may_start(breaker: Breaker, running: usize, now: Instant) -> bool {
        breaker.turn(running, now) != Turn::Nobodys
    }

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        (0..SEVERAL).for_each(|_| breaker.fail(now, FAULT, 1.0));
        breaker
    }

    #[test]
    fn several_faults_in_a_row_open_it_and_a_success_between_them_does_not() {
        let now = Instant::now();
        for fault in [FAULT, Fault::OfAddress { after: Some(seconds(90)) }, Fault::Unreached] {
            let mut breaker = Breaker::default();
            for _ in 0..20 {
                (1..SEVERAL).for_each(|_| breaker.fail(now, fault, 0.5));
                assert!(may_start(breaker, 60, now));
                breaker.succeed();
            }
        }
        assert_eq!(opened(now).rests_until(now), Some(now + FIRST_REST));
        assert!(!may_start(opened(now), 0, now));
    }

    /// Rests until the breaker is asked for the `count`th time, whose probe fails each time.
    fn rests(breaker: &mut Breaker, mut now: Instant, fault: Fault, count: usize) -> Vec<u64> {
        let mut rests = Vec::new();
        for _ in 0..count {
            let until = breaker.rests_until(now).unwrap();
            rests.push(until.duration_since(now).as_secs());
            now = until;
            assert!(may_start(*breaker, 0, now) && breaker.start(now), "the probe");
            assert!(!may_start(*breaker, 0, now) && !breaker.start(now), "a second one");
            breaker.fail(now, fault, 1.0);
        }
        rests
    }

    #[test]
    fn one_probe_at_a_time_and_each_failed_one_doubles_the_rest_up_to_five_minutes() {
        let now = Instant::now();
        assert_eq!(rests(&mut opened(now), now, FAULT, 9), [2, 4, 8, 16, 32, 64, 128, 256, 300]);
    }

    #[test]
    fn a_server_that_refuses_connections_is_asked_often_for_five_minutes_and_then_ever_more_seldom() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        breaker.fail(now, Fault::Refused, 1.0);
        let rests = rests(&mut breaker, now, Fault::Refused, 112);
        assert_eq!(rests[..60], [1; 60]);
        assert_eq!(rests[60..108], [5; 48]);
        assert_eq!(rests[108..], [5, 5, 8, 16]);
    }

    #[test]
    fn probes_are_taken_from_both_ends_of_the_queue() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let mut turns = Vec::new();
        for _ in 0..4 {
            let until = breaker.rests_until(now).unwrap();
            turns.push(breaker.turn(0, until));
            breaker.start(until);
            breaker.fail(until, FAULT, 1.0);
        }
        assert_eq!(turns, [Turn::Lasts, Turn::Firsts, Turn::Lasts, Turn::Firsts]);
    }

    #[test]
    fn a_probe_that_tells_nothing_makes_room_for_the_next() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + FIRST_REST;
        assert!(breaker.start(later));
        breaker.withdraw();
        assert!(may_start(breaker, 0, later));
    }

    #[test]
    fn after_a_probe_the_jobs_come_back_step_by_step() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + FIRST_REST;
        breaker.start(later);
        breaker.succeed();
        let mut allowed = Vec::new();
        while let Breaker::Recovering { allowed: count, .. } = breaker {
            assert!(may_start(breaker, count - 1, later) && !may_start(breaker, count, later));
            allowed.push(count);
            breaker.succeed();
        }
        assert_eq!(allowed, [2, 4, 8, 16, 32]);
        assert_eq!(breaker, Breaker::default());
        let mut relapsed = Breaker::Recovering { allowed: 4, failures: 0, rests: 3 };
        (1..SEVERAL).for_each(|_| relapsed.fail(now, FAULT, 1.0));
        assert!(may_start(relapsed, 0, now), "a few addresses that fail are no relapse");
        relapsed.fail(now, FAULT, 1.0);
        assert_eq!(relapsed.rests_until(now), Some(now + seconds(16)), "a relapse goes on where the rests were");
    }

    #[test]
    fn what_the_server_asks_for_is_obeyed_within_reason() {
        let now = Instant::now();
        for (asked, least, most) in [(30, 30, 33), (1, 1, 2), (1_000_000, 300, 330)] {
            for random in [0.0, 0.5, 0.999] {
                let mut breaker = Breaker::default();
                (0..SEVERAL).for_each(|_| breaker.fail(now, Fault::OfAddress { after: Some(seconds(asked)) }, random));
                let rest = breaker.rests_until(now).unwrap().duration_since(now);
                assert!(rest >= seconds(least) && rest <= seconds(most), "{asked} s: {rest:?}");
            }
        }
    }

    #[test]
    fn the_user_ends_a_rest() {
        let now = Instant::now();
        let mut breaker = opened(now);
        breaker.forgive();
        assert!(may_start(breaker, 0, now) && breaker.start(now) && !may_start(breaker, 0, now));
    }
}
