//! Pauses between tries. Backoff is exponential with full jitter, Retry-After obeyed, both bounded (I7).

use std::time::Duration;

use ropeway_model::Retry;

/// The first backoff is drawn from up to this.
const BASE: Duration = Duration::from_millis(500);
/// No backoff is drawn from more than this.
const LONGEST_BACKOFF: Duration = Duration::from_secs(120);
/// A server that asks for more than this gets it, but no more: a wrong header must not park a job for years.
const LONGEST_AFTER: Duration = Duration::from_secs(6 * 60 * 60);
/// No wait between two tries is longer.
pub(crate) const LONGEST_WAIT: Duration =
    LONGEST_AFTER.saturating_add(Duration::from_secs(LONGEST_AFTER.as_secs() / 10));
/// The least share of its ceiling that a backoff lasts. Full jitter would draw from zero; some of each draw is kept, so
/// that a server that refuses at once is not asked in a tight loop by whoever draws nothing.
const LEAST_DRAWN: f64 = 0.05;
/// Tries in a row without a byte of progress before a job fails for good: about ten minutes of backoff.
pub(crate) const MOST_ATTEMPTS: u32 = 12;

/// Wrong answers in a row, each like the one before it, that somebody at a terminal waits for.
pub(crate) const MOST_ALIKE: u32 = 3;

/// Tries in a row where somebody waits at a terminal and nobody has ever answered: at most eight seconds of backoff.
pub(crate) const MOST_FIRST_ATTEMPTS: u32 = 4;
/// The same for a server that refuses connections, which may only be restarting.
pub(crate) const LONGEST_FIRST_CONTACT: Duration = Duration::from_secs(6);

/// The pause before try number `attempt` + 1. `None` when there is to be none, at the latest after `most` tries.
///
/// `attempt` counts failed tries in a row without progress, from one. `random` is uniform in `[0, 1)`.
pub(crate) fn delay(retry: Retry, attempt: u32, most: u32, random: f64) -> Option<Duration> {
    if attempt > most {
        return None;
    }
    let ceiling = BASE.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1))).min(LONGEST_BACKOFF);
    let backoff = ceiling.mul_f64(random.clamp(LEAST_DRAWN, 1.0));
    match retry {
        Retry::Never => None,
        // Twice at once; whatever fails again then is not mended by haste.
        Retry::Now if attempt <= 2 => Some(Duration::ZERO),
        Retry::Now | Retry::Backoff => Some(backoff),
        // A little later than asked, each by its own bit: those that were sent away together do not come back together.
        // A moment that has passed already is no leave to come at once.
        Retry::After(asked) => Some(asked.min(LONGEST_AFTER).mul_f64(1.0 + random / 10.0).max(backoff)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_is_jittered_and_bounded() {
        assert_eq!(delay(Retry::Backoff, 1, MOST_ATTEMPTS, 1.0), Some(Duration::from_millis(500)));
        assert_eq!(delay(Retry::Backoff, 4, MOST_ATTEMPTS, 0.5), Some(Duration::from_secs(2)));
        assert_eq!(delay(Retry::Backoff, 12, MOST_ATTEMPTS, 1.0), Some(LONGEST_BACKOFF));
        assert_eq!(delay(Retry::Backoff, 13, MOST_ATTEMPTS, 1.0), None);
        assert_eq!(delay(Retry::Backoff, 5, MOST_FIRST_ATTEMPTS, 1.0), None);
    }

    #[test]
    fn retry_after_of_90_s_delays_the_next_attempt_by_90_s() {
        assert_eq!(delay(Retry::After(Duration::from_secs(90)), 1, MOST_ATTEMPTS, 0.0), Some(Duration::from_secs(90)));
        assert_eq!(delay(Retry::After(Duration::from_secs(u64::MAX)), 1, MOST_ATTEMPTS, 0.0), Some(LONGEST_AFTER));
    }

    #[test]
    fn a_moment_that_has_passed_is_no_leave_to_come_at_once() {
        let waits: Vec<_> =
            (1..=6).filter_map(|n| delay(Retry::After(Duration::ZERO), n, MOST_ATTEMPTS, 0.5)).collect();
        assert!(waits.is_sorted() && waits[0] > Duration::ZERO && waits[5] >= Duration::from_secs(5), "{waits:?}");
    }

    #[test]
    fn what_cannot_succeed_is_not_tried_again() {
        assert_eq!(delay(Retry::Never, 1, MOST_ATTEMPTS, 0.5), None);
    }

    #[test]
    fn what_may_be_tried_at_once_is_so_twice_and_then_after_a_pause() {
        let waits = [1, 2, 3, 4].map(|attempt| delay(Retry::Now, attempt, MOST_ATTEMPTS, 0.5));
        assert_eq!(waits, [0, 0, 1000, 2000].map(|milliseconds| Some(Duration::from_millis(milliseconds))));
    }
}
