//! Speed of one connection, as a mean that forgets.

use std::time::Duration;

use tokio::time::Instant;

/// How long the mean remembers: long enough to look past the gaps between packets, short enough to see a connection
/// die before the user does.
const MEMORY: Duration = Duration::from_millis(1_500);
/// Samples closer together than this say more of the scheduler than of the line.
const SHORTEST_SAMPLE: Duration = Duration::from_millis(5);

/// The speed of a worker at one segment, counted from the head of its answer.
#[derive(Clone, Debug)]
pub(super) struct Speed {
    sampled: Instant,
    counted: u64,
    /// Bytes a second, exponentially weighted, times `weight`.
    mean: f64,
    /// How much of the mean's memory has been filled, 0 to 1: without it every connection would seem to start slowly.
    weight: f64,
    heard: Instant,
}

impl Speed {
    /// Nothing has been measured yet.
    pub(super) fn new(now: Instant) -> Self {
        Self { sampled: now, counted: 0, mean: 0.0, weight: 0.0, heard: now }
    }

    /// Takes note of the cumulative count of bytes at `now`.
    #[expect(clippy::cast_precision_loss, reason = "a sample stays below 2^53 bytes")]
    pub(super) fn sample(&mut self, now: Instant, total: u64) {
        let elapsed = now.saturating_duration_since(self.sampled);
        if elapsed < SHORTEST_SAMPLE {
            return;
        }
        let bytes = total.saturating_sub(self.counted);
        let kept = (-elapsed.as_secs_f64() / MEMORY.as_secs_f64()).exp();
        self.mean = self.mean * kept + bytes as f64 / elapsed.as_secs_f64() * (1.0 - kept);
        self.weight = self.weight * kept + 1.0 - kept;
        self.sampled = now;
        self.counted = total;
        if bytes > 0 {
            self.heard = now;
        }
    }

    /// What passes now is no silence of the line: our own throttle holds the worker, or its request is not sent yet.
    pub(super) fn excuse(&mut self, now: Instant) {
        self.heard = now;
    }

    /// Bytes a second; `None` before the first sample.
    pub(super) fn rate(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.mean / self.weight)
    }

    /// Time without a byte, as of the last sample.
    pub(super) fn silent(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.heard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_steady_line_is_measured_right_from_its_first_sample() {
        let start = Instant::now();
        let mut speed = Speed::new(start);
        assert_eq!(speed.rate(), None);
        for step in 1..=20_u32 {
            speed.sample(start + step * 50 * MS, u64::from(step) * 50_000);
            let rate = speed.rate().unwrap();
            assert!((999_000.0..1_001_000.0).contains(&rate), "{rate} after {step} samples");
        }
    }

    #[test]
    fn a_line_that_dies_is_slow_after_seconds_and_silent_since_its_last_byte() {
        let start = Instant::now();
        let mut speed = Speed::new(start);
        speed.sample(start + 1_000 * MS, 1_000_000);
        for step in 1..=50_u32 {
            speed.sample(start + 1_000 * MS + step * 100 * MS, 1_000_000);
        }
        assert!(speed.rate().unwrap() < 50_000.0, "{speed:?}");
        assert_eq!(speed.silent(start + 6_000 * MS), 5_000 * MS);
    }
}
