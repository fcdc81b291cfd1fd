//! Rate limits that hold over time: a token bucket per job and one per direction for the whole process.

mod bucket;

use std::{sync::Arc, time::Duration};

use ropeway_model::ByteRate;

pub use bucket::Bucket;

/// The limits one job's bytes pass: its own, then everybody's.
#[derive(Clone, Debug)]
pub struct Throttle {
    job: Arc<Bucket>,
    all: Arc<Bucket>,
}

impl Throttle {
    /// A job's own bucket below the one for all jobs of its direction.
    pub fn new(job: Arc<Bucket>, all: Arc<Bucket>) -> Self {
        Self { job, all }
    }

    /// Returns when `bytes` more may pass.
    pub async fn take(&self, bytes: u64) {
        self.job.take(bytes).await;
        self.all.take(bytes).await;
    }

    /// How many bytes one of `connections` asks a server for at once; `None` where there is no limit.
    ///
    /// What was asked for comes as fast as the line is, and what is not read fills the buffers of two kernels. A limit
    /// that is to hold on the wire must be paid before the bytes are asked for, in portions that are small beside a
    /// second, and yet large enough to keep a line busy that takes `round_trip` to answer.
    pub fn portion(&self, connections: usize, round_trip: Duration) -> Option<u64> {
        /// Below this the requests themselves weigh more than a hundredth.
        const SMALLEST: u64 = 16 * 1024;
        const SHORTEST: Duration = Duration::from_millis(100);
        const LONGEST: Duration = Duration::from_secs(1);
        let rate = self.tightest()?.bytes_per_second();
        let span = (round_trip * 2).clamp(SHORTEST, LONGEST).as_millis();
        let share = u128::from(rate) * span / 1000 / (connections.max(1) as u128);
        Some(u64::try_from(share).unwrap_or(u64::MAX).max(SMALLEST))
    }

    fn tightest(&self) -> Option<ByteRate> {
        [self.job.rate(), self.all.rate()].into_iter().flatten().min()
    }

    /// How many bytes to take at once, so that a limited stream flows instead of stuttering and a changed limit is
    /// felt at once: a twentieth of a second's worth, at least 1 KiB, at most `most`.
    pub fn slice(&self, most: usize) -> usize {
        /// Below this the cost of waking up exceeds the cost of the bytes.
        const SMALLEST: usize = 1024;
        self.tightest().map_or(most, |rate| {
            let twentieth = usize::try_from(rate.bytes_per_second() / 20).unwrap_or(usize::MAX);
            twentieth.clamp(SMALLEST, most.max(SMALLEST))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle(job: Option<u64>, all: Option<u64>) -> Throttle {
        let bucket = |rate: Option<u64>| Arc::new(Bucket::new(rate.and_then(ByteRate::new)));
        Throttle::new(bucket(job), bucket(all))
    }

    #[test]
    fn portions_follow_the_tightest_limit_the_connections_and_the_line() {
        const MIB: u64 = 1 << 20;
        let near = Duration::from_millis(1);
        assert_eq!(throttle(None, None).portion(4, near), None);
        assert_eq!(throttle(Some(10 * MIB), None).portion(1, near), Some(MIB));
        assert_eq!(throttle(Some(10 * MIB), Some(5 * MIB)).portion(2, near), Some(MIB / 4));
        assert_eq!(throttle(Some(10 * MIB), None).portion(1, Duration::from_millis(200)), Some(4 * MIB));
        assert_eq!(throttle(Some(10 * MIB), None).portion(1, Duration::from_secs(9)), Some(10 * MIB));
        assert_eq!(throttle(Some(1024), None).portion(8, near), Some(16 * 1024));
    }
}
