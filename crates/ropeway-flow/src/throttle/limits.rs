//! The limits that one job's bytes pass.

use std::{sync::Arc, time::Duration};

use ropeway_model::ByteRate;
use tokio::sync::Mutex;

use super::bucket::{Bucket, slice_of};

/// The limits one job's bytes pass: its own, its server's, then everybody's. Clones are the same job.
#[derive(Clone, Debug)]
pub struct Throttle {
    job: Arc<Bucket>,
    /// Buckets that the job shares with others, the narrower first.
    shared: [Arc<Bucket>; 2],
    /// Bytes that the shared buckets served and no connection took yet. Held by the one connection that
    /// stands in their queues for this job. They serve their takers in turn: were each connection to stand there for
    /// itself, a job with sixteen would get sixteen shares.
    prepaid: Arc<Mutex<u64>>,
}

impl Throttle {
    /// Joins a job's own bucket, its server's and that of its direction.
    pub fn new(job: Arc<Bucket>, server: Arc<Bucket>, all: Arc<Bucket>) -> Self {
        Self { job, shared: [server, all], prepaid: Arc::default() }
    }

    /// Returns when `bytes` more may pass.
    pub async fn take(&self, bytes: u64) {
        self.job.take(bytes).await;
        let mut prepaid = self.prepaid.lock().await;
        // What was prepaid under a wider limit and given up would be a burst under this one.
        *prepaid = (*prepaid).min(self.quantum().unwrap_or(0).max(bytes));
        while let Some(quantum) = self.quantum() {
            if *prepaid >= bytes {
                *prepaid -= bytes;
                return;
            }
            for bucket in &self.shared {
                bucket.take(quantum).await;
            }
            *prepaid += quantum;
        }
    }

    /// Bytes that a job takes of the shared buckets at once.
    /// `None` where nothing is shared.
    ///
    /// They are the same for all jobs, however large their portions are, so that all have the same share.
    fn quantum(&self) -> Option<u64> {
        /// Bytes that cost as much as waking up.
        const SMALLEST: u64 = 1024;
        let rate = self.shared.iter().filter_map(|bucket| bucket.rate()).min()?;
        Some((rate.bytes_per_second() / 100).max(SMALLEST))
    }

    /// Returns when one of the limits has become another one.
    pub async fn changed(&self) {
        let [server, all] = &self.shared;
        tokio::select! {
            () = self.job.changed() => {}
            () = server.changed() => {}
            () = all.changed() => {}
        }
    }

    /// Bytes that one of `connections` asks a server for at once.
    /// `None` where there is no limit.
    ///
    /// What was asked for comes as fast as the line is, and what is not read fills the buffers of two kernels. A limit
    /// that is to hold on the wire must be paid before the bytes are asked for, in portions that are small beside a
    /// second, and yet large enough to keep a line busy that takes `round_trip` to answer.
    pub fn portion(&self, connections: usize, round_trip: Duration) -> Option<u64> {
        /// Bytes below which the requests themselves weigh too much.
        const SMALLEST: u64 = 4 * 1024;
        const SHORTEST: Duration = Duration::from_millis(50);
        const LONGEST: Duration = Duration::from_secs(1);
        let rate = self.tightest()?.bytes_per_second();
        let span = (round_trip * 2).clamp(SHORTEST, LONGEST).as_millis();
        let share = u128::from(rate) * span / 1000 / (connections.max(1) as u128);
        Some(u64::try_from(share).unwrap_or(u64::MAX).max(SMALLEST))
    }

    /// Seconds' worth of each limit that have passed, by whomever; see [`Bucket::used`].
    pub(super) fn used(&self) -> [Option<f64>; 3] {
        let [server, all] = &self.shared;
        [self.job.used(), server.used(), all.used()]
    }

    /// Tells whether there is a limit now.
    pub fn is_limited(&self) -> bool {
        self.tightest().is_some()
    }

    /// The limit that is felt: the tightest one.
    pub fn tightest(&self) -> Option<ByteRate> {
        let shared = self.shared.iter().filter_map(|bucket| bucket.rate());
        shared.chain(self.job.rate()).min()
    }

    /// Bytes to move at once under the tightest limit; see [`Bucket::slice`].
    pub fn slice(&self, most: usize) -> usize {
        slice_of(self.tightest(), most)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    const MIB: u64 = 1 << 20;

    fn bucket(rate: Option<u64>) -> Arc<Bucket> {
        Arc::new(Bucket::new(rate.and_then(ByteRate::new)))
    }

    fn throttle(job: Option<u64>, all: Option<u64>) -> Throttle {
        Throttle::new(bucket(job), bucket(None), bucket(all))
    }

    #[test]
    fn portions_follow_the_tightest_limit_the_connections_and_the_line() {
        let near = Duration::from_millis(1);
        assert_eq!(throttle(None, None).portion(4, near), None);
        assert_eq!(throttle(Some(10 * MIB), None).portion(1, near), Some(MIB / 2));
        assert_eq!(throttle(Some(10 * MIB), Some(5 * MIB)).portion(2, near), Some(MIB / 8));
        assert_eq!(throttle(Some(10 * MIB), None).portion(1, Duration::from_millis(200)), Some(4 * MIB));
        assert_eq!(throttle(Some(10 * MIB), None).portion(1, Duration::from_secs(9)), Some(10 * MIB));
        assert_eq!(throttle(Some(1024), None).portion(8, near), Some(4 * 1024));
        let server = Throttle::new(bucket(Some(10 * MIB)), bucket(Some(MIB)), bucket(Some(5 * MIB)));
        assert_eq!(server.portion(1, near), Some(MIB / 20));
    }

    /// Takes portions until the moment comes, and returns their bytes.
    async fn taken_until(throttle: Throttle, portion: u64, end: Instant) -> u64 {
        let mut taken = 0;
        while tokio::time::timeout_at(end, throttle.take(portion)).await.is_ok() {
            taken += portion;
        }
        taken
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_with_sixteen_connections_gets_no_more_than_one_with_a_single_one() {
        let all = bucket(Some(2 * MIB));
        let job = || Throttle::new(bucket(None), bucket(None), Arc::clone(&all));
        let (wide, narrow) = (job(), job());
        let end = Instant::now() + Duration::from_secs(10);
        let mut connections = tokio::task::JoinSet::new();
        for _ in 0..16 {
            connections.spawn(taken_until(wide.clone(), 16 << 10, end));
        }
        let single = taken_until(narrow, 16 << 10, end).await;
        let sixteen: u64 = connections.join_all().await.into_iter().sum();
        assert!(single.abs_diff(sixteen) < MIB / 2, "{single} and {sixteen}");
        assert!((19 * MIB..=20 * MIB + MIB / 4).contains(&(single + sixteen)), "{}", single + sixteen);
    }

    #[tokio::test(start_paused = true)]
    async fn jobs_that_ask_for_large_and_for_small_portions_have_the_same_share() {
        let all = bucket(Some(2 * MIB));
        let job = || Throttle::new(bucket(None), bucket(None), Arc::clone(&all));
        let end = Instant::now() + Duration::from_secs(10);
        let (large, small) = tokio::join!(taken_until(job(), MIB / 4, end), taken_until(job(), 4 << 10, end));
        assert!(large.abs_diff(small) <= MIB / 2, "{large} and {small}");
        assert!((19 * MIB..=20 * MIB + MIB / 4).contains(&(large + small)), "{}", large + small);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_prepaid_under_a_wide_limit_is_no_burst_under_a_narrow_one() {
        let all = bucket(Some(100 * MIB));
        let job = Throttle::new(bucket(None), bucket(None), Arc::clone(&all));
        assert!(tokio::time::timeout(Duration::from_millis(200), job.take(40 * MIB)).await.is_err());
        all.set_rate(ByteRate::new(MIB));
        let taken = taken_until(job, 16 << 10, Instant::now() + Duration::from_secs(5)).await;
        assert!((4 * MIB..=5 * MIB + MIB / 10).contains(&taken), "{taken}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_narrowest_of_the_three_limits_is_the_one_that_holds() {
        for rates in [[1, 4, 4], [4, 1, 4], [4, 4, 1]] {
            let [job, server, all] = rates.map(|rate| bucket(Some(rate * MIB)));
            let end = Instant::now() + Duration::from_secs(10);
            let taken = taken_until(Throttle::new(job, server, all), 64 << 10, end).await;
            assert!((9 * MIB + MIB / 2..=10 * MIB + MIB / 4).contains(&taken), "{rates:?}: {taken}");
        }
    }
}
