//! Token bucket with a queue.
//!
//! Bytes are served in the order they were asked for, at the rate in force.

use std::{collections::VecDeque, ops::Deref, pin::Pin, sync::Arc, time::Duration};

use parking_lot::Mutex;
use ropeway_model::ByteRate;
use tokio::{sync::Notify, time::Instant};

/// Time for which unused rate is kept.
/// An idle moment buys no burst that a server would notice.
const CREDIT: Duration = Duration::from_millis(50);

/// Lateness of a timer that costs no byte while somebody waits.
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
    /// Takers that wait, the first in front.
    waiting: VecDeque<Wait>,
    /// Number of the next one who waits.
    next: u64,
    settled: Instant,
}

#[derive(Debug)]
struct Wait {
    number: u64,
    bytes: f64,
    /// Bytes that must be there before these pass.
    needed: f64,
    /// Bytes right behind these that are owed though their takers went away.
    owed: f64,
}

/// Place in the queue, given up where it is dropped.
struct Place<B: Deref<Target = Bucket>> {
    bucket: B,
    number: u64,
}

/// Wait until all that passed before is paid for.
pub type Turn = Pin<Box<dyn Future<Output = ()> + Send>>;

impl<B: Deref<Target = Bucket>> Place<B> {
    async fn served(&self) {
        loop {
            let moved = self.bucket.moved.notified();
            tokio::pin!(moved);
            // Registered before the check, so that a change between the two is not missed.
            moved.as_mut().enable();
            let wait = {
                let mut state = self.bucket.state.lock();
                state.settle(Instant::now());
                state.wait_for(self.number)
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

impl<B: Deref<Target = Bucket>> Drop for Place<B> {
    fn drop(&mut self) {
        let mut state = self.bucket.state.lock();
        if state.give_up(self.number) {
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

    /// Seconds' worth of the limit that have passed since it was set. `None` where there is none. What grows by less than
    /// the time does is a limit that nobody feels.
    #[expect(clippy::cast_precision_loss, reason = "rates stay below 2^53 bytes a second")]
    pub fn used(&self) -> Option<f64> {
        let mut state = self.state.lock();
        state.settle(Instant::now());
        state.rate.map(|rate| state.passed / rate.bytes_per_second() as f64)
    }

    /// Changes the limit. Whoever waits follows the new one from this moment on.
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

    /// Returns when the limit differs from that at the first poll.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Returns when `bytes` more may pass. Dropping the future before gives the place in the queue up: nothing is paid.
    pub async fn take(&self, bytes: u64) {
        if let Some(number) = self.enter(bytes, bytes) {
            Place { bucket: self, number }.served().await;
        }
    }

    /// Charges `bytes` that have come; `None` where nothing is owed before them.
    ///
    /// Whoever gives the turn up has charged them all the same: reconnecting pays off no debt.
    pub fn charge(self: &Arc<Self>, bytes: u64) -> Option<Turn> {
        let number = self.enter(bytes, 0)?;
        let place = Place { bucket: Arc::clone(self), number };
        Some(Box::pin(async move { place.served().await }))
    }

    /// Tells whether something that passed or waits is not paid for.
    pub fn is_owed(&self) -> bool {
        let mut state = self.state.lock();
        state.settle(Instant::now());
        state.balance <= -1.0 || !state.waiting.is_empty()
    }

    /// Bytes to move at once under the limit. They are a twentieth of a second's worth.
    pub fn slice(&self, most: usize) -> usize {
        slice_of(self.rate(), most)
    }

    /// Enters `bytes` that pass once `needed` are there. `None` where they have passed.
    fn enter(&self, bytes: u64, needed: u64) -> Option<u64> {
        let mut state = self.state.lock();
        state.settle(Instant::now());
        state.enter(bytes, needed)
    }
}

/// Bytes to move at once: a twentieth of a second's worth.
///
/// At least 1 KiB and at most `most`, so that a limited stream flows instead of stuttering and a changed limit is felt at
/// once.
pub(super) fn slice_of(rate: Option<ByteRate>, most: usize) -> usize {
    /// Cost of waking up exceeds that of fewer bytes.
    const SMALLEST: usize = 1024;
    rate.map_or(most, |rate| {
        let twentieth = usize::try_from(rate.bytes_per_second() / 20).unwrap_or(usize::MAX);
        twentieth.clamp(SMALLEST, most.max(SMALLEST))
    })
}

impl State {
    /// Takes `bytes` where they are there, else a place in the queue.
    #[expect(clippy::cast_precision_loss, reason = "files stay below 2^53 bytes")]
    fn enter(&mut self, bytes: u64, needed: u64) -> Option<u64> {
        let (bytes, needed) = (bytes as f64, needed as f64);
        self.rate?;
        let number = self.next;
        self.next += 1;
        self.waiting.push_back(Wait { number, bytes, needed, owed: 0.0 });
        self.serve();
        self.waiting.back().is_some_and(|wait| wait.number == number).then_some(number)
    }

    /// Gives a place up, and charges what has come already. `false` where it was served.
    fn give_up(&mut self, number: u64) -> bool {
        let Some(at) = self.waiting.iter().position(|wait| wait.number == number) else { return false };
        let Some(wait) = self.waiting.remove(at) else { return false };
        let has_come = wait.needed < wait.bytes;
        let owed = wait.owed + if has_come { wait.bytes } else { 0.0 };
        // Charged behind those that wait in front: whoever goes away delays none of them.
        match at.checked_sub(1).and_then(|before| self.waiting.get_mut(before)) {
            Some(before) => before.owed += owed,
            None => self.charge(owed),
        }
        true
    }

    fn charge(&mut self, bytes: f64) {
        self.balance -= bytes;
        self.passed += bytes;
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
            Some(front) => rate * LATENESS.as_secs_f64() + front.needed,
            None => rate * CREDIT.as_secs_f64(),
        };
        self.balance = (self.balance + rate * elapsed).min(most.max(self.balance));
        self.serve();
    }

    fn serve(&mut self) {
        // Less than a byte is owed only by rounding.
        while let Some(front) = self.waiting.front()
            && front.needed - self.balance < 1.0
        {
            let bytes = front.bytes + front.owed;
            self.charge(bytes);
            self.waiting.pop_front();
        }
    }

    /// Time until everything up to `number` is paid for.
    /// `None` if it is.
    #[expect(clippy::cast_precision_loss, reason = "rates stay below 2^53 bytes a second")]
    fn wait_for(&self, number: u64) -> Option<Duration> {
        let rate = self.rate?.bytes_per_second() as f64;
        let at = self.waiting.iter().position(|wait| wait.number == number)?;
        let before: f64 = self.waiting.iter().take(at).map(|wait| wait.bytes + wait.owed).sum();
        let owed = before + self.waiting.get(at)?.needed - self.balance;
        Some(Duration::from_secs_f64((owed / rate).clamp(0.0, 3600.0)).max(Duration::from_millis(1)))
    }
}

#[cfg(test)]
mod tests {
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

    #[tokio::test(start_paused = true)]
    async fn what_has_come_passes_once_all_before_it_is_paid_for() {
        let bucket = Arc::new(Bucket::new(mib(1)));
        let start = Instant::now();
        for _ in 0..11 {
            if let Some(turn) = bucket.charge(1 << 20) {
                turn.await;
            }
        }
        let took = start.elapsed().as_secs_f64();
        assert!((9.9..10.1).contains(&took), "all but the first are waited for: {took}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_come_is_owed_also_by_who_goes_away() {
        let bucket = Arc::new(Bucket::new(mib(1)));
        for _ in 0..10 {
            drop(bucket.charge(1 << 20));
        }
        assert!(bucket.is_owed());
        let start = Instant::now();
        bucket.charge(1).expect("ten mebibytes are owed").await;
        let took = start.elapsed().as_secs_f64();
        assert!((9.9..10.1).contains(&took), "{took}");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!bucket.is_owed(), "a debt is paid off though nobody waits");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_with_what_has_come_follows_a_changed_limit_at_once() {
        let bucket = Arc::new(Bucket::new(ByteRate::new(1024)));
        assert!(bucket.charge(10 << 20).is_none(), "nothing was owed before");
        let turn = tokio::spawn(bucket.charge(1).expect("ten mebibytes are owed"));
        tokio::time::sleep(Duration::from_secs(1)).await;
        let start = Instant::now();
        bucket.set_rate(mib(10));
        turn.await.unwrap();
        assert!(start.elapsed() < Duration::from_millis(1010), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_away_delays_who_waits_behind_and_nobody_in_front() {
        let bucket = Arc::new(Bucket::new(mib(1)));
        assert!(bucket.charge(1 << 20).is_none(), "nothing was owed before");
        let [first, second, third] = [1, 2 << 20, 1].map(|bytes| bucket.charge(bytes).expect("a mebibyte is owed"));
        let start = Instant::now();
        drop(second);
        first.await;
        assert_eq!(start.elapsed().as_secs(), 1);
        third.await;
        assert_eq!(start.elapsed().as_secs(), 3);
    }
}
