//! Rate limits that hold over time: a token bucket per job and one per direction for the whole process.

mod bucket;

use std::sync::Arc;

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

    /// How many bytes to take at once, so that a limited stream flows instead of stuttering and a changed limit is
    /// felt at once: a twentieth of a second's worth, at least 1 KiB, at most `most`.
    pub fn slice(&self, most: usize) -> usize {
        /// Below this the cost of waking up exceeds the cost of the bytes.
        const SMALLEST: usize = 1024;
        let tightest = [self.job.rate(), self.all.rate()].into_iter().flatten().min();
        tightest.map_or(most, |rate: ByteRate| {
            let twentieth = usize::try_from(rate.bytes_per_second() / 20).unwrap_or(usize::MAX);
            twentieth.clamp(SMALLEST, most.max(SMALLEST))
        })
    }
}
