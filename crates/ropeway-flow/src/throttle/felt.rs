//! Limits that a transfer feels, told from those it does not.

use std::time::Duration;

use tokio::time::Instant;

use super::limits::Throttle;

/// Time over which a limit is looked at.
/// Portions are paid for a second ahead: over less, a limit seems idle between two of them.
const WINDOW: Duration = Duration::from_secs(1);
/// Share of a limit from which on it holds a transfer.
/// What is left is the time that requests take.
const SHARE: f64 = 0.9;

/// Effect of a limit on a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Limit is absent.
    No,
    /// Limit holds the transfer.
    Felt,
    /// Limit lets through more than comes.
    Slack,
}

/// A limit that is looked at again and again.
#[derive(Debug)]
pub struct Watch {
    since: Instant,
    /// Seconds' worth of each limit that had passed by then.
    used: [Option<f64>; 3],
    is_felt: bool,
}

impl Watch {
    /// Begins to look at what passes.
    pub fn new(throttle: &Throttle) -> Self {
        Self { since: Instant::now(), used: throttle.used(), is_felt: true }
    }

    /// Effect of the limits in the last whole window.
    ///
    /// Until there is one, and after a change, they count as felt.
    pub fn look(&mut self, throttle: &Throttle) -> Limit {
        let (now, used) = (Instant::now(), throttle.used());
        let had = std::mem::replace(&mut self.used, used);
        let pairs = || had.iter().zip(&used);
        if pairs().any(|(had, used)| had.is_some() != used.is_some() || had > used) {
            (self.since, self.is_felt) = (now, true);
        } else if now - self.since < WINDOW {
            self.used = had;
        } else {
            let least = (now - self.since).as_secs_f64() * SHARE;
            self.is_felt = pairs().any(|(had, used)| had.zip(*used).is_some_and(|(had, used)| used - had >= least));
            self.since = now;
        }
        match (throttle.is_limited(), self.is_felt) {
            (false, _) => Limit::No,
            (true, true) => Limit::Felt,
            (true, false) => Limit::Slack,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ropeway_model::ByteRate;

    use super::{super::bucket::Bucket, *};

    #[tokio::test(start_paused = true)]
    async fn a_limit_is_felt_where_most_of_it_is_used_by_this_transfer_or_by_another() {
        let bucket = |rate| Arc::new(Bucket::new(ByteRate::new(rate)));
        let (all, free) = (bucket(200_000), Arc::new(Bucket::new(None)));
        let throttle = Throttle::new(bucket(100_000), free, Arc::clone(&all));
        let mut watch = Watch::new(&throttle);
        assert_eq!(watch.look(&throttle), Limit::Felt, "not known yet");
        let after = async |watch: &mut Watch, own: u64, others: u64| {
            throttle.take(own).await;
            all.take(others).await;
            tokio::time::sleep(WINDOW).await;
            watch.look(&throttle)
        };
        assert_eq!(after(&mut watch, 50_000, 0).await, Limit::Slack);
        assert_eq!(after(&mut watch, 50_000, 4_000_000).await, Limit::Felt);
        assert_eq!(after(&mut watch, 10_000, 0).await, Limit::Slack);
        all.set_rate(ByteRate::new(300_000));
        assert_eq!(watch.look(&throttle), Limit::Felt, "another limit is not known yet");
        assert_eq!(after(&mut watch, 10_000, 0).await, Limit::Slack);
    }

    #[tokio::test(start_paused = true)]
    async fn where_there_is_no_limit_none_is_felt() {
        let free = || Arc::new(Bucket::new(None));
        let throttle = Throttle::new(free(), free(), free());
        let mut watch = Watch::new(&throttle);
        throttle.take(1 << 30).await;
        assert_eq!(watch.look(&throttle), Limit::No);
    }
}
