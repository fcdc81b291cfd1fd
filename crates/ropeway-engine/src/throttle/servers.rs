//! One bucket per server for the limits that the user set for servers, shared by all jobs and both directions.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;
use ropeway_model::{ByteRate, ServerRule};

use super::Bucket;

/// Buckets kept before those that no job uses any more are looked for.
const MANY: usize = 256;

/// The limits of servers.
#[derive(Debug, Default)]
pub(crate) struct ServerLimits(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    rules: Vec<ServerRule>,
    buckets: HashMap<String, Weak<Bucket>>,
}

impl ServerLimits {
    /// The bucket of `host` (`name:port`), the same for everybody who asks.
    pub(crate) fn bucket(&self, host: &str) -> Arc<Bucket> {
        let mut state = self.0.lock();
        if let Some(bucket) = state.buckets.get(host).and_then(Weak::upgrade) {
            return bucket;
        }
        if state.buckets.len() >= MANY {
            state.buckets.retain(|_, bucket| bucket.strong_count() > 0);
        }
        let bucket = Arc::new(Bucket::new(state.limit(host)));
        state.buckets.insert(host.to_owned(), Arc::downgrade(&bucket));
        bucket
    }

    /// Replaces the rules; transfers under way follow at once.
    pub(crate) fn set_rules(&self, rules: Vec<ServerRule>) {
        let mut state = self.0.lock();
        state.rules = rules;
        for (host, bucket) in &state.buckets {
            if let Some(bucket) = bucket.upgrade() {
                bucket.set_rate(state.limit(host));
            }
        }
    }
}

impl State {
    /// The limit of the first rule that names one for this host.
    fn limit(&self, host: &str) -> Option<ByteRate> {
        self.rules.iter().filter(|rule| rule.host.matches(host)).find_map(|rule| rule.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(host: &str, limit: u64) -> ServerRule {
        let limit = ByteRate::new(limit);
        ServerRule { host: host.parse().unwrap(), connections: None, running_jobs: None, limit }
    }

    #[tokio::test]
    async fn jobs_of_one_server_share_a_bucket_that_follows_its_rule() {
        let limits = ServerLimits::default();
        let (first, second) = (limits.bucket("a.example:80"), limits.bucket("a.example:80"));
        assert!(Arc::ptr_eq(&first, &second));
        limits.set_rules(vec![rule("b.example", 1), rule(".example", 7)]);
        assert_eq!((first.rate(), limits.bucket("b.example:80").rate()), (ByteRate::new(7), ByteRate::new(1)));
        limits.set_rules(Vec::new());
        assert_eq!(first.rate(), None);
    }

    #[tokio::test]
    async fn buckets_that_nobody_uses_are_forgotten() {
        let limits = ServerLimits::default();
        for number in 0..3 * MANY {
            limits.bucket(&format!("{number}.example:80"));
        }
        assert!(limits.0.lock().buckets.len() <= MANY);
    }
}
