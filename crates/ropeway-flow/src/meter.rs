//! Speed of bytes: a mean to be shown, samples for the graph.

use std::collections::VecDeque;

use tokio::time::{Duration, Instant};

/// Window of the mean that is shown.
/// Long enough not to flicker, short enough to follow a change.
const WINDOW: Duration = Duration::from_secs(3);
/// The graph's length: five minutes, a sample a second.
const SAMPLES: usize = 300;

/// The speed of one job.
#[derive(Debug, Default)]
pub struct Meter {
    /// Cumulative bytes at the ends of past ticks, within the window.
    marks: VecDeque<(Instant, u64)>,
    samples: VecDeque<u64>,
    sampled: Option<(Instant, u64)>,
}

impl Meter {
    /// Notes the bytes moved by `now`, and returns the rate a second.
    pub fn tick(&mut self, now: Instant, moved: u64) -> u64 {
        // A count that fell belongs to a restart from byte 0.
        if self.marks.back().is_some_and(|(_, last)| *last > moved) {
            self.marks.clear();
            self.sampled = None;
        }
        self.marks.push_back((now, moved));
        while self.marks.len() > 2 && self.marks.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW) {
            self.marks.pop_front();
        }
        self.sample(now, moved);
        self.rate()
    }

    fn rate(&self) -> u64 {
        let (Some((from, before)), Some((to, after))) = (self.marks.front(), self.marks.back()) else { return 0 };
        per_second(after - before, to.duration_since(*from))
    }

    fn sample(&mut self, now: Instant, moved: u64) {
        let Some((at, before)) = self.sampled else {
            self.sampled = Some((now, moved));
            return;
        };
        let elapsed = now.duration_since(at);
        if elapsed >= Duration::from_secs(1) {
            if self.samples.len() == SAMPLES {
                self.samples.pop_front();
            }
            self.samples.push_back(per_second(moved.saturating_sub(before), elapsed));
            self.sampled = Some((now, moved));
        }
    }

    /// Bytes a second, one sample a second, oldest first.
    pub fn samples(&self) -> Vec<u64> {
        self.samples.iter().copied().collect()
    }
}

fn per_second(bytes: u64, elapsed: Duration) -> u64 {
    let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    bytes.saturating_mul(1000).checked_div(milliseconds).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_rate_is_the_mean_of_the_last_seconds_and_falls_to_zero() {
        let mut meter = Meter::default();
        let mut rate = 0;
        for tick in 0..40 {
            rate = meter.tick(Instant::now(), tick * 250);
            tokio::time::advance(Duration::from_millis(250)).await;
        }
        assert_eq!(rate, 1000);
        assert_eq!(meter.samples().len(), 9);
        for _ in 0..14 {
            rate = meter.tick(Instant::now(), 39 * 250);
            tokio::time::advance(Duration::from_millis(250)).await;
        }
        assert_eq!(rate, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_restart_from_byte_0_is_no_negative_speed() {
        let mut meter = Meter::default();
        meter.tick(Instant::now(), 5000);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(meter.tick(Instant::now(), 10), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_tick_without_a_byte_lowers_the_mean_and_ends_no_measurement() {
        let mut meter = Meter::default();
        for (moved, rate) in [(0, 0), (1000, 1000), (1000, 500), (1000, 333), (1000, 0)] {
            assert_eq!(meter.tick(Instant::now(), moved), rate, "{:?}", meter.marks);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(meter.samples(), [1000, 0, 0, 0]);
    }
}
