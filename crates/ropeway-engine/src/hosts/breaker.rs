//! When a server is left alone: a circuit breaker.
//!
//! ```text
//! closed ──5 tries in a row fail──▶ open ──rest is over──▶ half-open ──the probe succeeds──▶ recovering ──▶ closed
//!                                    ▲                         │ fails: twice the rest         │ fails
//!                                    └─────────────────────────┴────────────────────────────────┘
//! ```

use std::time::Duration;

use tokio::time::Instant;

/// Tries in a row that fail before the server is left alone: fewer would take a hiccup for an end.
const OPENS_AFTER: u32 = 5;
/// The first rest, before jitter.
const FIRST_REST: Duration = Duration::from_secs(5);
/// No rest is longer: a server that is back is found within this time.
const LONGEST_REST: Duration = Duration::from_secs(5 * 60);
/// Jobs that may run right after a probe succeeded; doubled by each further success.
const FIRST_ALLOWED: usize = 2;
/// Once so many would be allowed the server counts as well.
const ALL_ALLOWED: usize = 64;

/// The breaker of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breaker {
    /// Jobs start as they come.
    Closed { failures: u32 },
    /// Nothing starts before `until`. `rests` counts the rests in a row.
    Open { until: Instant, rests: u32 },
    /// One job at a time tries whether the server is back.
    HalfOpen { is_probed: bool, rests: u32 },
    /// The server is back: more and more jobs may run.
    Recovering { allowed: usize, rests: u32 },
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Breaker {
    /// Whether one more job may start beside `running` ones.
    pub(super) fn may_start(self, running: usize, now: Instant) -> bool {
        match self {
            Self::Closed { .. } => true,
            Self::Open { until, .. } => until <= now,
            Self::HalfOpen { is_probed, .. } => !is_probed,
            Self::Recovering { allowed, .. } => running < allowed,
        }
    }

    /// Whether the server is taken for well.
    pub(super) const fn is_closed(self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    /// A job starts; `true` if it is the probe.
    pub(super) fn start(&mut self, now: Instant) -> bool {
        match *self {
            Self::Open { until, rests } if until <= now => *self = Self::HalfOpen { is_probed: true, rests },
            Self::HalfOpen { is_probed: false, rests } => *self = Self::HalfOpen { is_probed: true, rests },
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
            Self::HalfOpen { rests, .. } => Self::Recovering { allowed: FIRST_ALLOWED, rests },
            Self::Recovering { allowed, .. } if allowed * 2 >= ALL_ALLOWED => Self::Closed { failures: 0 },
            Self::Recovering { allowed, rests } => Self::Recovering { allowed: allowed * 2, rests },
        }
    }

    /// A try failed for the server's sake. `after` is what it asked for with `Retry-After`; `random` is uniform in
    /// `[0, 1)`.
    pub(super) fn fail(&mut self, now: Instant, after: Option<Duration>, random: f64) {
        let rests = match *self {
            Self::Open { .. } => return,
            Self::Closed { failures } if after.is_none() && failures + 1 < OPENS_AFTER => {
                *self = Self::Closed { failures: failures + 1 };
                return;
            }
            Self::Closed { .. } => 0,
            Self::HalfOpen { rests, .. } | Self::Recovering { rests, .. } => rests,
        };
        *self = Self::Open { until: now + rest(rests, after, random), rests: rests.saturating_add(1) };
    }

    /// The probe ended without telling anything of the server.
    pub(super) fn withdraw(&mut self) {
        if let Self::HalfOpen { is_probed, .. } = self {
            *is_probed = false;
        }
    }

    /// The user wants to know now: the rest is over.
    pub(super) fn forgive(&mut self) {
        if let Self::Open { rests, .. } = *self {
            *self = Self::HalfOpen { is_probed: false, rests };
        }
    }

    /// End of the rest, if there is one.
    pub(super) fn rests_until(self, now: Instant) -> Option<Instant> {
        match self {
            Self::Open { until, .. } if until > now => Some(until),
            _ => None,
        }
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

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        (0..OPENS_AFTER).for_each(|_| breaker.fail(now, None, 1.0));
        breaker
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_a_success_between_them_does_not() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for _ in 0..20 {
            (0..OPENS_AFTER - 1).for_each(|_| breaker.fail(now, None, 0.5));
            assert!(breaker.may_start(60, now));
            breaker.succeed();
        }
        assert_eq!(opened(now).rests_until(now), Some(now + FIRST_REST));
        assert!(!opened(now).may_start(0, now));
    }

    #[test]
    fn one_probe_at_a_time_and_each_failed_one_doubles_the_rest_up_to_five_minutes() {
        let mut now = Instant::now();
        let mut breaker = opened(now);
        let mut rests = Vec::new();
        for _ in 0..8 {
            let until = breaker.rests_until(now).unwrap();
            rests.push(until.duration_since(now).as_secs());
            now = until;
            assert!(breaker.may_start(0, now) && breaker.start(now), "the probe");
            assert!(!breaker.may_start(0, now) && !breaker.start(now), "a second one");
            breaker.fail(now, None, 1.0);
        }
        assert_eq!(rests, [5, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn a_probe_that_tells_nothing_makes_room_for_the_next() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + FIRST_REST;
        assert!(breaker.start(later));
        breaker.withdraw();
        assert!(breaker.may_start(0, later));
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
            assert!(breaker.may_start(count - 1, later) && !breaker.may_start(count, later));
            allowed.push(count);
            breaker.succeed();
        }
        assert_eq!(allowed, [2, 4, 8, 16, 32]);
        assert_eq!(breaker, Breaker::default());
        let mut relapsed = Breaker::Recovering { allowed: 4, rests: 3 };
        relapsed.fail(now, None, 1.0);
        assert_eq!(relapsed.rests_until(now), Some(now + seconds(40)), "a relapse goes on where the rests were");
    }

    #[test]
    fn what_the_server_asks_for_is_obeyed_at_once_and_within_reason() {
        let now = Instant::now();
        for (asked, least, most) in [(30, 30, 33), (1, 2, 5), (1_000_000, 300, 330)] {
            for random in [0.0, 0.5, 0.999] {
                let mut breaker = Breaker::default();
                breaker.fail(now, Some(seconds(asked)), random);
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
        assert!(breaker.may_start(0, now) && breaker.start(now) && !breaker.may_start(0, now));
    }
}
