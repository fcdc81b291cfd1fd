//! Buckets by key: one per server, one per client.

use std::{borrow::Borrow, collections::HashMap, hash::Hash, sync::Arc};

use parking_lot::Mutex;
use ropeway_model::ByteRate;

use super::bucket::Bucket;

/// Buckets kept before unused ones are looked for.
const MANY: usize = 256;

/// Buckets by key, the same one for everybody who asks.
#[derive(Debug)]
pub struct Buckets<K>(Mutex<HashMap<K, Arc<Bucket>>>);

/// Buckets of servers, by host and port (`name:port`).
pub type ServerLimits = Buckets<String>;

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Buckets<K> {
    /// Finds or makes the bucket of `key`.
    /// A new one has the `limit` of that key.
    pub fn bucket<Q>(&self, key: &Q, limit: impl FnOnce(&Q) -> Option<ByteRate>) -> Arc<Bucket>
    where
        K: Borrow<Q>,
        Q: ?Sized + Eq + Hash + ToOwned<Owned = K>,
    {
        let mut buckets = self.0.lock();
        if let Some(bucket) = buckets.get(key) {
            return Arc::clone(bucket);
        }
        if buckets.len() >= MANY {
            // One that is owed something stays: coming back must not pay it off.
            buckets.retain(|_, bucket| Arc::strong_count(bucket) > 1 || bucket.is_owed());
        }
        // Asked behind the lock: a limit that changes meanwhile reaches the bucket by `follow`.
        let bucket = Arc::new(Bucket::new(limit(key)));
        buckets.insert(key.to_owned(), Arc::clone(&bucket));
        bucket
    }

    /// Sets the limits anew; transfers under way follow at once.
    pub fn follow(&self, limit: impl Fn(&K) -> Option<ByteRate>) {
        for (key, bucket) in &*self.0.lock() {
            bucket.set_rate(limit(key));
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
        limits.follow(|host| limit(host));
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

    #[tokio::test(start_paused = true)]
    async fn a_bucket_that_is_owed_something_is_not_forgotten() {
        let limits = Buckets::default();
        let bucket = |number: &u32| limits.bucket(number, |_| ByteRate::new(1024));
        assert!(bucket(&0).charge(60 * 1024).is_none(), "nothing was owed before");
        for number in 1..2 * MANY {
            bucket(&u32::try_from(number).unwrap());
        }
        assert!(limits.0.lock().len() <= MANY);
        let start = tokio::time::Instant::now();
        bucket(&0).charge(1).expect("a minute is owed").await;
        assert_eq!(start.elapsed().as_secs(), 60);
    }
}
