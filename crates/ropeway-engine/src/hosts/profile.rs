//! Profile that is remembered of a server. It says how fast, how prompt and how reliable that is.

use std::time::Duration;

/// Weight of the newest transfer in the means of speed and promptness.
const SPEED_WEIGHT: f64 = 0.3;
/// Weight of the newest request in the mean of successes: about the last twenty count.
const RELIABILITY_WEIGHT: f64 = 0.1;
/// A transfer of fewer bytes tells the latency, not the speed.
const SMALLEST_SAMPLE: u64 = 256 << 10;

/// Profile of one server. Every figure is an exponentially weighted mean.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Profile {
    /// Bytes a second of one job's transfer.
    pub throughput: Option<u64>,
    /// From a request to the head of its answer.
    pub latency: Option<Duration>,
    /// Share of requests that went well, 0 to 1.
    pub reliability: Option<f64>,
    /// Connections the server bears; `None` while no limit was met.
    pub connection_cap: Option<u16>,
    /// Connections a large file is worth; `None` while nothing was proved.
    pub worth: Option<Worth>,
}

/// Connections a large file from a server is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worth {
    /// So many were found to help.
    pub connections: u16,
    /// True where more would not.
    pub is_full: bool,
}

impl Profile {
    pub(super) fn note_latency(&mut self, latency: Duration) {
        let mean = self.latency.map_or(latency, |mean| {
            Duration::from_secs_f64(mixed(mean.as_secs_f64(), latency.as_secs_f64(), SPEED_WEIGHT))
        });
        self.latency = Some(mean);
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a mean of rates, shown with three digits"
    )]
    pub(super) fn note_transfer(&mut self, bytes: u64, elapsed: Duration) {
        if bytes < SMALLEST_SAMPLE || elapsed.is_zero() {
            return;
        }
        let rate = bytes as f64 / elapsed.as_secs_f64();
        let mean = self.throughput.map_or(rate, |mean| mixed(mean as f64, rate, SPEED_WEIGHT));
        self.throughput = Some(mean as u64);
    }

    pub(super) fn note_success(&mut self, went_well: bool) {
        let value = if went_well { 1.0 } else { 0.0 };
        self.reliability = Some(self.reliability.map_or(value, |mean| mixed(mean, value, RELIABILITY_WEIGHT)));
    }
}

fn mixed(mean: f64, value: f64, weight: f64) -> f64 {
    mean + (value - mean) * weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_follow_what_happens_and_forget_slowly() {
        let mut profile = Profile::default();
        profile.note_transfer(1000, Duration::from_secs(1));
        assert_eq!(profile.throughput, None, "too short to tell");
        profile.note_transfer(1 << 20, Duration::from_secs(1));
        assert_eq!(profile.throughput, Some(1 << 20));
        profile.note_transfer(3 << 20, Duration::from_secs(1));
        let throughput = profile.throughput.unwrap();
        assert!(throughput > 1 << 20 && throughput < 3 << 20, "{throughput}");
        (0..20).for_each(|_| profile.note_success(true));
        assert_eq!(profile.reliability, Some(1.0));
        profile.note_success(false);
        assert!((0.85..0.95).contains(&profile.reliability.unwrap()));
        profile.note_latency(Duration::from_millis(100));
        profile.note_latency(Duration::from_millis(200));
        assert_eq!(profile.latency.unwrap().as_millis(), 130);
    }
}
