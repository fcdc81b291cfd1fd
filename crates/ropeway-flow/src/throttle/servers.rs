//! One bucket per server for the limits that the user set for servers, shared by all jobs and both directions.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;
use ropeway_model::ByteRate;

use super::bucket::Bucket;

/// Buckets kept before those that no job uses any more are looked for.
const MANY: usize = 256;

/// The buckets of servers, by host and port.
#[derive(Debug, Default)]
pub struct ServerLimits(Mutex<HashMap<String, Weak<Bucket>>>);

impl ServerLimits {
    /// The bucket of `host` (`name:port`), the same for everybody who asks; a new one has the `limit` of that host.
    pub fn bucket(&self, host: &str, limit: impl FnOnce(&str) -> Option<ByteRate>) -> Arc<Bucket> {
        let mut buckets = self.0.lock();
        if let Some(bucket) = buckets.get(host).and_then(Weak::upgrade) {
            return bucket;
        }
        if buckets.len() >= MANY {
            buckets.retain(|_, bucket| bucket.strong_count() > 0);
        }
        // Asked behind the lock: a limit that changes meanwhile reaches the bucket by `follow`.
        let bucket = Arc::new(Bucket::new(limit(host)));
        buckets.insert(host.to_owned(), Arc::downgrade(&bucket));
        bucket
    }

    /// Limits have changed; transfers under way follow at once.
    pub fn follow(&self, limit: impl Fn(&str) -> Option<ByteRate>) {
        for (host, bucket) in &*self.0.lock() {
            if let Some(bucket) = bucket.upgrade() {
                bucket.set_rate(limit(host));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn jobs_of_one_server_share_a_bucket_that_follows_its_limit() {
        let limits = ServerLimits::default();
        let bucket = |host| limits.bucket(host, |_| None);
        let (first, second) = (bucket("a.example:80"), bucket("a.example:80"));
        assert!(Arc::ptr_eq(&first, &second));
        let limit = |host: &str| ByteRate::new(if host == "b.example:80" { 1 } else { 7 });
        limits.follow(limit);
        assert_eq!((first.rate(), limits.bucket("b.example:80", limit).rate()), (ByteRate::new(7), ByteRate::new(1)));
        limits.follow(|_| None);
        assert_eq!(first.rate(), None);
    }

    #[tokio::test]
    async fn buckets_that_nobody_uses_are_forgotten() {
        let limits = ServerLimits::default();
        for number in 0..3 * MANY {
            limits.bucket(&format!("{number}.example:80"), |_| None);
        }
        assert!(limits.0.lock().len() <= MANY);
    }
}
