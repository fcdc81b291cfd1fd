//! One token bucket with tickets: bytes are served in the order they were asked for, at the rate in force.

use std::time::Duration;

use parking_lot::Mutex;
use ropeway_model::ByteRate;
use tokio::{sync::Notify, time::Instant};

/// Unused rate is kept for at most this long, so that an idle moment buys no burst that a server would notice.
const CREDIT: Duration = Duration::from_millis(50);

/// A limit that many takers share. The order of tickets is the order of calls, so no taker starves.
#[derive(Debug)]
pub struct Bucket {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    rate: Option<ByteRate>,
    /// Bytes asked for since the bucket exists.
    issued: f64,
    /// Bytes paid for since the bucket exists; may run ahead of `issued` by the credit.
    served: f64,
    settled: Instant,
}

impl Bucket {
    /// A bucket with a limit, or without one.
    pub fn new(rate: Option<ByteRate>) -> Self {
        let state = State { rate, issued: 0.0, served: 0.0, settled: Instant::now() };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    /// The limit in force.
    pub fn rate(&self) -> Option<ByteRate> {
        self.state.lock().rate
    }

    /// Changes the limit; whoever waits follows the new one from this moment on.
    pub fn set_rate(&self, rate: Option<ByteRate>) {
        let mut state = self.state.lock();
        state.settle(Instant::now());
        state.rate = rate;
        drop(state);
        self.changed.notify_waiters();
    }

    /// Returns when `bytes` more may pass. Dropping the future gives the place in the queue up, not the bytes.
    pub async fn take(&self, bytes: u64) {
        #[expect(clippy::cast_precision_loss, reason = "sums stay below 2^53 bytes, 8 PiB")]
        let ticket = {
            let mut state = self.state.lock();
            state.settle(Instant::now());
            state.issued += bytes as f64;
            state.issued
        };
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before the check, so that a change between the two is not missed.
            changed.as_mut().enable();
            let wait = {
                let mut state = self.state.lock();
                state.settle(Instant::now());
                state.wait_for(ticket)
            };
            match wait {
                None => return,
                Some(wait) => {
                    tokio::select! {
                        biased;
                        () = tokio::time::sleep(wait) => {}
                        () = changed => {}
                    }
                }
            }
        }
    }
}

impl State {
    /// Serves what the time since the last call pays for.
    #[expect(clippy::cast_precision_loss, reason = "rates stay below 2^53 bytes a second")]
    fn settle(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.settled).as_secs_f64();
        self.settled = now;
        match self.rate {
            None => self.served = self.issued,
            Some(rate) => {
                let rate = rate.bytes_per_second() as f64;
                self.served = (self.served + rate * elapsed).min(self.issued + rate * CREDIT.as_secs_f64());
            }
        }
    }

    /// How long until everything up to `ticket` is paid for; `None` if it is.
    #[expect(clippy::cast_precision_loss, reason = "rates stay below 2^53 bytes a second")]
    fn wait_for(&self, ticket: f64) -> Option<Duration> {
        let rate = self.rate?.bytes_per_second() as f64;
        let owed = ticket - self.served;
        // Less than a byte is owed only by rounding.
        (owed >= 1.0).then(|| Duration::from_secs_f64((owed / rate).min(3600.0)).max(Duration::from_millis(1)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn mib(count: u64) -> Option<ByteRate> {
        ByteRate::new(count << 20)
    }

    #[tokio::test(start_paused = true)]
    async fn ten_mebibytes_at_one_mebibyte_a_second_take_ten_seconds() {
        let bucket = Bucket::new(mib(1));
        let start = Instant::now();
        for _ in 0..160 {
            bucket.take(64 << 10).await;
        }
        let took = start.elapsed().as_secs_f64();
        assert!((9.9..10.1).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_hour_buys_no_burst() {
        let bucket = Bucket::new(mib(1));
        tokio::time::sleep(Duration::from_secs(3600)).await;
        let start = Instant::now();
        bucket.take(1 << 20).await;
        assert!(start.elapsed() >= Duration::from_millis(940), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_taker_that_waits_follows_a_changed_limit_at_once() {
        let bucket = Arc::new(Bucket::new(ByteRate::new(1024)));
        let taker = tokio::spawn({
            let bucket = Arc::clone(&bucket);
            async move { bucket.take(10 << 20).await }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        let start = Instant::now();
        bucket.set_rate(mib(10));
        taker.await.unwrap();
        assert!(start.elapsed() < Duration::from_millis(1010), "{:?}", start.elapsed());
        bucket.set_rate(None);
        bucket.take(u64::from(u32::MAX)).await;
        assert!(start.elapsed() < Duration::from_millis(1010), "no limit means no wait");
    }

    #[tokio::test(start_paused = true)]
    async fn two_takers_share_the_rate() {
        let bucket = Arc::new(Bucket::new(mib(2)));
        let start = Instant::now();
        let taker = |bucket: Arc<Bucket>| async move {
            for _ in 0..64 {
                bucket.take(64 << 10).await;
            }
        };
        tokio::join!(taker(Arc::clone(&bucket)), taker(bucket));
        let took = start.elapsed().as_secs_f64();
        assert!((3.9..4.1).contains(&took), "{took}");
    }
}
