//! Each client's limit, shared over its connections.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use ropeway_model::ByteRate;
use tokio::time::Instant;

use crate::visit::one_client;

/// Slices a second into which a limit is cut: many enough to be smooth, few enough to be cheap.
const SLICES_A_SECOND: u64 = 20;
/// No slice is smaller, or a low limit would cost a system call a byte.
const SMALLEST_SLICE: u64 = 1024;
/// No slice is larger: the size of a block.
pub const LARGEST_SLICE: u64 = 256 * 1024;
/// Buckets kept before those nobody uses are looked for.
const BUCKETS_BEFORE_TIDYING: usize = 256;

/// The two directions have a bucket each: a client that uploads is not slowed down by what it downloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From us to the client.
    Down,
    /// From the client to us.
    Up,
}

/// The limits of all clients.
#[derive(Debug)]
pub struct Throttle {
    /// Bytes a second; zero for none. Shared with every bucket, so that a change is in force at once.
    limit: Arc<AtomicU64>,
    buckets: Mutex<HashMap<(IpAddr, Direction), Arc<Bucket>>>,
}

impl Throttle {
    pub fn new(limit: Option<ByteRate>) -> Self {
        let throttle = Self { limit: Arc::default(), buckets: Mutex::default() };
        throttle.set_limit(limit);
        throttle
    }

    /// Changes the limit of each client, from its next slice on.
    pub fn set_limit(&self, limit: Option<ByteRate>) {
        self.limit.store(limit.map_or(0, ByteRate::bytes_per_second), Ordering::Relaxed);
    }

    /// The bucket all connections of this client share.
    pub fn bucket(&self, client: IpAddr, direction: Direction) -> Arc<Bucket> {
        let mut buckets = self.buckets.lock();
        if buckets.len() >= BUCKETS_BEFORE_TIDYING {
            // A bucket that is still in debt stays: reconnecting must not pay it off.
            let now = Instant::now();
            buckets.retain(|_, bucket| Arc::strong_count(bucket) > 1 || *bucket.free_at.lock() > now);
        }
        let bucket = buckets.entry((one_client(client), direction)).or_insert_with(|| {
            Arc::new(Bucket { limit: Arc::clone(&self.limit), free_at: Mutex::new(Instant::now()) })
        });
        Arc::clone(bucket)
    }
}

/// One client's bucket for one direction. It is never more than one slice ahead, so an idle client gathers no burst.
#[derive(Debug)]
pub struct Bucket {
    limit: Arc<AtomicU64>,
    /// When everything granted so far will have been earned.
    free_at: Mutex<Instant>,
}

impl Bucket {
    /// How many bytes to ask for at a time; `None` if there is no limit.
    pub fn slice(&self) -> Option<u64> {
        let limit = self.limit()?.bytes_per_second();
        Some((limit / SLICES_A_SECOND).clamp(SMALLEST_SLICE, LARGEST_SLICE))
    }

    /// Grants `bytes`, to be moved (or, having arrived, to be passed on) no earlier than the returned instant. Grants queue up: clients with many
    /// connections get as much as those with one.
    pub fn grant(&self, bytes: u64) -> Instant {
        let now = Instant::now();
        let Some(limit) = self.limit() else { return now };
        let mut free_at = self.free_at.lock();
        let start = (*free_at).max(now);
        *free_at = start + limit.time_for(bytes);
        start
    }

    fn limit(&self) -> Option<ByteRate> {
        ByteRate::new(self.limit.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::sleep_until;

    use super::*;

    const MEBIBYTE: u64 = 1024 * 1024;

    /// Moves bytes through one client's bucket over several connections until `until`, and counts them.
    async fn moved(throttle: &Throttle, connections: usize, until: Instant) -> u64 {
        let workers = (0..connections).map(|_| async {
            let bucket = throttle.bucket([127, 0, 0, 1].into(), Direction::Down);
            let mut bytes = 0;
            loop {
                let slice = bucket.slice().unwrap_or(LARGEST_SLICE);
                let at = bucket.grant(slice);
                if at >= until {
                    return bytes;
                }
                sleep_until(at).await;
                bytes += slice;
            }
        });
        futures_util::future::join_all(workers).await.into_iter().sum()
    }

    #[tokio::test(start_paused = true)]
    async fn all_connections_of_a_client_share_its_limit() {
        for connections in [1, 8] {
            let throttle = Throttle::new(ByteRate::new(MEBIBYTE));
            let bytes = moved(&throttle, connections, Instant::now() + Duration::from_secs(10)).await;
            assert!((10 * MEBIBYTE..10 * MEBIBYTE + MEBIBYTE / 10).contains(&bytes), "{connections}: {bytes}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_client_gathers_no_burst() {
        let throttle = Throttle::new(ByteRate::new(MEBIBYTE));
        let bucket = throttle.bucket([127, 0, 0, 1].into(), Direction::Up);
        tokio::time::advance(Duration::from_secs(3600)).await;
        let bytes = moved(&throttle, 1, Instant::now() + Duration::from_secs(1)).await;
        assert!(bytes <= MEBIBYTE + bucket.slice().unwrap(), "{bytes}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_changed_limit_is_in_force_at_once() {
        let throttle = Throttle::new(ByteRate::new(MEBIBYTE));
        moved(&throttle, 4, Instant::now() + Duration::from_secs(2)).await;
        throttle.set_limit(ByteRate::new(MEBIBYTE / 4));
        let bytes = moved(&throttle, 4, Instant::now() + Duration::from_secs(8)).await;
        assert!((MEBIBYTE * 18 / 10..MEBIBYTE * 22 / 10).contains(&bytes), "{bytes}");
    }

    #[tokio::test(start_paused = true)]
    async fn reconnecting_does_not_pay_off_a_debt() {
        let throttle = Throttle::new(ByteRate::new(1024));
        throttle.bucket([10, 0, 0, 1].into(), Direction::Up).grant(1024 * 60);
        for last in 0..=255 {
            throttle.bucket([10, 0, 1, last].into(), Direction::Up);
        }
        let again = throttle.bucket([10, 0, 0, 1].into(), Direction::Up).grant(1);
        assert_eq!(again - Instant::now(), Duration::from_secs(60));
        assert!(throttle.buckets.lock().len() < BUCKETS_BEFORE_TIDYING);
    }
}
