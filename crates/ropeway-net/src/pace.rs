//! The guard against peers that hold a connection and hardly move a byte.

use std::time::Duration;

/// Time spent waiting for the peer after which its pace is judged: long enough for any pause of a real line.
const WINDOW: Duration = Duration::from_secs(60);
/// The least a window has to bring; a modem of 1990 does better.
const LEAST_BYTES_A_WINDOW: u64 = 16 * 1024;

/// Counts what a peer moved while we had nothing to do but wait for it. Time that our own throttle or disk takes does
/// not count, so a limited transfer is never mistaken for a stalled one.
#[derive(Debug, Default)]
pub struct Pace {
    waited: Duration,
    moved: u64,
}

impl Pace {
    /// How much longer the peer may keep us waiting before it is judged, by recording the wait without any bytes.
    pub fn patience(&self) -> Duration {
        WINDOW.saturating_sub(self.waited)
    }

    /// Records that the peer kept us waiting and then moved `bytes`. Whether it is worth going on.
    pub fn record(&mut self, waited: Duration, bytes: u64) -> bool {
        self.waited += waited;
        self.moved += bytes;
        if self.waited < WINDOW {
            return true;
        }
        let kept_up = self.moved >= LEAST_BYTES_A_WINDOW;
        *self = Self::default();
        kept_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_drips_is_given_up_after_a_window_and_a_slow_line_is_not() {
        for (bytes_a_second, expected) in [(1, false), (100, false), (300, true), (10_000, true)] {
            let mut pace = Pace::default();
            let kept_up = (0..600).all(|_| pace.record(Duration::from_secs(1), bytes_a_second));
            assert_eq!(kept_up, expected, "{bytes_a_second} B/s");
        }
    }

    #[test]
    fn silence_is_borne_for_exactly_one_window() {
        let mut pace = Pace::default();
        assert!(pace.record(Duration::from_secs(59), 0));
        assert_eq!(pace.patience(), Duration::from_secs(1));
        assert!(!pace.record(Duration::from_secs(1), 0));
    }
}
