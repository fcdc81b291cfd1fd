//! One token bucket with a queue: bytes are served in the order they were asked for, at the rate in force.

use std::{collections::VecDeque, time::Duration};

use parking_lot::Mutex;
use ropeway_model::ByteRate;
use tokio::{sync::Notify, time::Instant};

/// Unused rate is kept for at most this long, so that an idle moment buys no burst that a server would notice.
const CREDIT: Duration = Duration::from_millis(50);

/// While somebody waits, a timer that is late by no more than this costs nobody a byte.
const LATENESS: Duration = Duration::from_millis(100);

/// A limit that many takers share. They are served in the order of their calls, so no taker starves.
#[derive(Debug)]
pub struct Bucket {
    state: Mutex<State>,
    /// Signals that waits are to be reckoned anew.
    moved: Notify,
    /// Signals that the limit is another one.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    rate: Option<ByteRate>,
    /// Bytes that may pass now.
    balance: f64,
    /// Bytes that have passed under a limit.
    passed: f64,
    /// Who waits, the first in front.
    waiting: VecDeque<Wait>,
    /// Number of the next one who waits.
    next: u64,
    settled: Instant,
}

#[derive(Debug)]
struct Wait {
    number: u64,
    bytes: f64,
}

/// A place in the queue. Dropped before its turn it is given up, and nobody pays for it.
struct Place<'a> {
    bucket: &'a Bucket,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.bucket.state.lock();
        let before = state.waiting.len();
        state.waiting.retain(|wait| wait.number != self.number);
        if state.waiting.len() < before {
            drop(state);
            self.bucket.moved.notify_waiters();
        }
    }
}

impl Bucket {
    /// A bucket with a limit, or without one.
    pub fn new(rate: Option<ByteRate>) -> Self {
        let state =
            State { rate, balance: 0.0, passed: 0.0, waiting: VecDeque::new(), next: 0, settled: Instant::now() };
        Self { state: Mutex::new(state), moved: Notify::new(), changed: Notify::new() }
    }

    /// The limit in force.
    pub fn rate(&self) -> Option<ByteRate> {
        self.state.lock().rate
    }

    /// Seconds' worth of the limit that have passed since it was set; `None` where there is none. What grows by less than
    /// the time does is a limit that nobody feels.
    #[expect(clippy::cast_precision_loss, reason = "rates stay below 2^53 bytes a second")]
    pub fn used(&self) -> Option<f64> {
        let mut state = self.state.lock();
        state.settle(Instant::now());
        state.rate.map(|rate| state.passed / rate.bytes_per_second() as f64)
    }

    /// Changes the limit; whoever waits follows the new one from this moment on.
    pub fn set_rate(&self, rate: Option<ByteRate>) {
        let mut state = self.state.lock();
        state.settle(Instant::now());
        if state.rate == rate {
            return;
        }
        (state.rate, state.passed) = (rate, 0.0);
        state.settle(Instant::now());
        drop(state);
        self.changed.notify_waiters();
        self.moved.notify_waiters();
    }

    /// Returns when the limit has become another one than it is at the first poll.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Returns when `bytes` more may pass. Dropping the future before gives the place in the queue up: nothing is paid.
    pub async fn take(&self, bytes: u64) {
        let number = {
            let mut state = self.state.lock();
            state.settle(Instant::now());
            match state.enter(bytes) {
                Some(number) => number,
                None => return,
            }
        };
        let place = Place { bucket: self, number };
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            // Registered before the check, so that a change between the two is not missed.
            moved.as_mut().enable();
            let wait = {
                let mut state = self.state.lock();
                state.settle(Instant::now());
                state.wait_for(place.number)
            };
            match wait {
                None => return,
                Some(wait) => {
                    tokio::select! {
                        biased;
                        () = tokio::time::sleep(wait) => {}
                        () = moved => {}
                    }
                }
            }
        }
    }
}

impl State {
    /// Takes `bytes` at once where nobody waits and they are there; else a place in the queue.
    #[expect(clippy::cast_precision_loss, reason = "files stay below 2^53 bytes")]
    fn enter(&mut self, bytes: u64) -> Option<u64> {
        let bytes = bytes as f64;
        self.rate?;
        let number = self.next;
        self.next += 1;
        self.waiting.push_back(Wait { number, bytes });
        self.serve();
        self.waiting.back().is_some_and(|wait| wait.number == number).then_some(number)
    }

    /// Serves what the time since the last call pays for. However long that was (the machine may have slept), it is no
    /// more than the one in front waits for and a moment's credit.
    #[expect(clippy::cast_precision_loss, reason = "rates stay below 2^53 bytes a second")]
    fn settle(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.settled).as_secs_f64();
        self.settled = now;
        let Some(rate) = self.rate else {
            self.balance = 0.0;
            self.waiting.clear();
            return;
        };
        let rate = rate.bytes_per_second() as f64;
        let most = match self.waiting.front() {
            Some(front) => rate * LATENESS.as_secs_f64() + front.bytes,
            None => rate * CREDIT.as_secs_f64(),
        };
        self.balance = (self.balance + rate * elapsed).min(most.max(self.balance));
        self.serve();
    }

    fn serve(&mut self) {
        // Less than a byte is owed only by rounding.
        while let Some(front) = self.waiting.front()
            && front.bytes - self.balance < 1.0
        {
            self.balance -= front.bytes;
            self.passed += front.bytes;
            self.waiting.pop_front();
        }
    }

    /// How long until everything up to `number` is paid for; `None` if it is.
    #[expect(clippy::cast_precision_loss, reason = "rates stay below 2^53 bytes a second")]
    fn wait_for(&self, number: u64) -> Option<Duration> {
        let rate = self.rate?.bytes_per_second() as f64;
        let at = self.waiting.iter().position(|wait| wait.number == number)?;
        let owed: f64 = self.waiting.iter().take(at + 1).map(|wait| wait.bytes).sum::<f64>() - self.balance;
        Some(Duration::from_secs_f64((owed / rate).clamp(0.0, 3600.0)).max(Duration::from_millis(1)))
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
    async fn an_hour_asleep_serves_the_one_in_front_and_nobody_behind() {
        let bucket = Arc::new(Bucket::new(mib(1)));
        let mut takers = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let bucket = Arc::clone(&bucket);
            takers.spawn(async move { bucket.take(1 << 20).await });
        }
        tokio::task::yield_now().await;
        // All timers are late by the same hour.
        tokio::time::advance(Duration::from_secs(3600)).await;
        let start = Instant::now();
        takers.join_all().await;
        assert!(start.elapsed() >= Duration::from_millis(6900), "{:?}", start.elapsed());
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
    async fn whoever_gives_up_waiting_pays_nothing() {
        let bucket = Bucket::new(mib(1));
        for _ in 0..10 {
            assert!(tokio::time::timeout(Duration::from_millis(1), bucket.take(100 << 20)).await.is_err());
        }
        let start = Instant::now();
        bucket.take(1 << 20).await;
        assert!(start.elapsed() <= Duration::from_millis(1010), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn half_of_a_limit_is_used_where_half_of_it_passes() {
        let bucket = Bucket::new(mib(2));
        for _ in 0..40 {
            bucket.take(64 << 10).await;
            tokio::time::sleep(Duration::from_micros(62_500)).await;
        }
        let used = bucket.used().unwrap();
        assert!((1.2..1.3).contains(&used), "{used} s of 2.5 s");
        bucket.set_rate(mib(1));
        assert_eq!(bucket.used(), Some(0.0));
        bucket.set_rate(None);
        assert_eq!(bucket.used(), None);
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
