//! How many requests to a server may be repetitions: a tenth of all, and some anyway.
//!
//! Backoff spaces the tries of one job. A thousand jobs that all back off are still a storm; the budget is what bounds
//! their sum.

use std::time::Duration;

use tokio::time::Instant;

/// What each request earns: one repetition in ten.
const EARNED: f64 = 0.1;
/// Repetitions that may be saved up, and that a server nobody has asked yet begins with: as many as the tries of a few
/// jobs take.
const MOST_SAVED: f64 = 20.0;
/// One repetition is free every so often, so that a queue of failing jobs still finds out when the server is back.
const FREE_EVERY: Duration = Duration::from_secs(6);
/// No repetition waits longer for its budget.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);

/// The repetitions of one server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    saved: f64,
    at: Instant,
}

impl Budget {
    pub(super) const fn new(now: Instant) -> Self {
        Self { saved: MOST_SAVED, at: now }
    }

    /// A request was made.
    pub(super) fn earn(&mut self) {
        self.saved = (self.saved + EARNED).min(MOST_SAVED);
    }

    /// Takes one repetition, and returns how long it has to wait beside its own backoff. Those that wait are lined up
    /// one behind the other.
    pub(super) fn spend(&mut self, now: Instant) -> Duration {
        let most_owed = LONGEST_WAIT.as_secs_f64() / FREE_EVERY.as_secs_f64();
        self.pass(now);
        self.saved = (self.saved - 1.0).max(-most_owed);
        FREE_EVERY.mul_f64((-self.saved).max(0.0))
    }

    /// Takes one repetition if it need not wait; whether it did.
    pub(super) fn spend_saved(&mut self, now: Instant) -> bool {
        self.pass(now);
        let has_one = self.saved >= 1.0;
        if has_one {
            self.saved -= 1.0;
        }
        has_one
    }

    /// What time has paid for since the last look.
    fn pass(&mut self, now: Instant) {
        let free = now.duration_since(self.at).as_secs_f64() / FREE_EVERY.as_secs_f64();
        self.at = now;
        self.saved = (self.saved + free).min(MOST_SAVED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_repetitions_are_free_and_a_storm_is_lined_up() {
        let now = Instant::now();
        let mut budget = Budget::new(now);
        let waits: Vec<_> = (0..1000).map(|_| budget.spend(now)).collect();
        assert!(waits[..20].iter().all(Duration::is_zero));
        assert_eq!(waits[20..23], [6, 12, 18].map(Duration::from_secs));
        assert_eq!(waits.iter().max(), Some(&LONGEST_WAIT));
    }

    #[test]
    fn a_tenth_of_the_requests_may_be_repetitions() {
        let now = Instant::now();
        let mut budget = Budget::new(now);
        let _spent: Vec<_> = (0..20).map(|_| budget.spend(now)).collect();
        for _ in 0..100 {
            (0..10).for_each(|_| budget.earn());
            assert!(budget.spend(now) < Duration::from_millis(1));
        }
        assert!(budget.spend(now) > Duration::from_secs(5));
    }

    #[test]
    fn time_pays_for_repetitions_too() {
        let now = Instant::now();
        let mut budget = Budget::new(now);
        let _spent: Vec<_> = (0..30).map(|_| budget.spend(now)).collect();
        assert!(budget.spend(now + Duration::from_secs(5 * 60)).is_zero());
    }

    #[test]
    fn six_seconds_pay_for_one_repetition_and_no_more() {
        let now = Instant::now();
        let mut budget = Budget::new(now);
        let _spent: Vec<_> = (0..20).map(|_| budget.spend(now)).collect();
        assert!(budget.spend(now + Duration::from_secs(6)).is_zero());
        assert_eq!(budget.spend(now + Duration::from_secs(9)), Duration::from_secs(3));
        assert!(!budget.spend_saved(now + Duration::from_secs(9)));
    }
}
