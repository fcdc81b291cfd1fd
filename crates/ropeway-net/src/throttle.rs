//! Each client's limit, shared over its connections.

use std::{net::IpAddr, sync::Arc};

use parking_lot::Mutex;
use ropeway_flow::throttle::{Bucket, Buckets};
use ropeway_model::ByteRate;

use crate::visit::one_client;

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
    limit: Mutex<Option<ByteRate>>,
    buckets: Buckets<(IpAddr, Direction)>,
}

impl Throttle {
    pub fn new(limit: Option<ByteRate>) -> Self {
        Self { limit: Mutex::new(limit), buckets: Buckets::default() }
    }

    /// Changes the limit of each client; transfers under way follow at once.
    pub fn set_limit(&self, limit: Option<ByteRate>) {
        *self.limit.lock() = limit;
        self.buckets.follow(|_| *self.limit.lock());
    }

    /// The bucket all connections of this client share.
    pub fn bucket(&self, client: IpAddr, direction: Direction) -> Arc<Bucket> {
        self.buckets.bucket(&(one_client(client), direction), |_| *self.limit.lock())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, timeout_at};

    use super::*;

    const MEBIBYTE: u64 = 1024 * 1024;

    /// Moves bytes through one client's bucket over several connections until `until`, and counts them.
    async fn moved(throttle: &Throttle, connections: usize, until: Instant) -> u64 {
        let workers = (0..connections).map(|_| async {
            let bucket = throttle.bucket([127, 0, 0, 1].into(), Direction::Down);
            let mut bytes = 0;
            loop {
                let slice = bucket.slice(256 * 1024) as u64;
                if let Some(turn) = bucket.charge(slice)
                    && timeout_at(until, turn).await.is_err()
                {
                    return bytes;
                }
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
        assert!(bytes <= MEBIBYTE + bucket.slice(256 * 1024) as u64, "{bytes}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_changed_limit_is_in_force_at_once() {
        let throttle = Throttle::new(ByteRate::new(MEBIBYTE));
        moved(&throttle, 1, Instant::now() + Duration::from_secs(2)).await;
        throttle.set_limit(ByteRate::new(MEBIBYTE / 4));
        let bytes = moved(&throttle, 4, Instant::now() + Duration::from_secs(8)).await;
        assert!((MEBIBYTE * 18 / 10..MEBIBYTE * 22 / 10).contains(&bytes), "{bytes}");
    }

    #[tokio::test(start_paused = true)]
    async fn reconnecting_does_not_pay_off_a_debt() {
        let throttle = Throttle::new(ByteRate::new(1024));
        assert!(throttle.bucket([10, 0, 0, 1].into(), Direction::Up).charge(1024 * 60).is_none());
        for last in 0..=255 {
            throttle.bucket([10, 0, 1, last].into(), Direction::Up);
        }
        let again = throttle.bucket([10, 0, 0, 1].into(), Direction::Up).charge(1);
        let start = Instant::now();
        again.expect("a minute is owed").await;
        assert_eq!(start.elapsed().as_secs(), 60);
    }
}
