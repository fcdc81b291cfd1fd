//! What all parts of a run share: virtual time, the trace, whether the machine is on, and what was found wrong.

use std::{
    fmt,
    future::Future,
    ops::Range,
    pin::Pin,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use parking_lot::Mutex;
use ropeway_engine::network::Routes;
use ropeway_flow::{blocking::Delay, clock::Clock, rng::Rng};
use ropeway_model::{LocalTime, Timestamp};
use tokio::{sync::Notify, time::Instant};

use crate::{random::Random, trace::Trace};

/// The moment at which every run begins: 2026-01-01, in milliseconds since the Unix epoch.
pub(crate) const EPOCH_MS: u64 = 1_767_225_600_000;

fn any_span(random: &mut Random, calm: u64) -> Range<u64> {
    let start = random.within(0..calm);
    start..(start + random.within(1_000..60_000)).min(calm)
}

/// What all parts of a run share.
#[derive(Debug)]
pub(crate) struct World {
    /// Milliseconds of the lives before this one, and when this one began.
    time: Mutex<(u64, Option<Instant>)>,
    trace: Mutex<Trace>,
    wrong: Mutex<Vec<String>>,
    is_off: AtomicBool,
    off: Notify,
    rng: Mutex<Random>,
    pace: Mutex<Random>,
    /// From this moment on nothing breaks any more.
    calm: AtomicU64,
    /// While there is no network.
    offline: Range<u64>,
    /// Milliseconds that the machine slept.
    slept: AtomicU64,
    /// When it last woke.
    woke: AtomicU64,
}

impl World {
    pub(crate) fn new(random: &mut Random, calm: u64) -> Self {
        Self {
            time: Mutex::default(),
            trace: Mutex::default(),
            wrong: Mutex::default(),
            is_off: AtomicBool::new(false),
            off: Notify::new(),
            rng: Mutex::new(random.fork()),
            pace: Mutex::new(random.fork()),
            calm: AtomicU64::new(calm),
            offline: if random.hits(120) { any_span(random, calm) } else { 0..0 },
            slept: AtomicU64::new(0),
            woke: AtomicU64::new(0),
        }
    }

    /// Milliseconds since the run began.
    pub(crate) fn now(&self) -> u64 {
        let (before, began) = *self.time.lock();
        before + began.map_or(0, |began| u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Whether things still break.
    pub(crate) fn is_rough(&self) -> bool {
        self.now() < self.calm.load(Relaxed)
    }

    /// Whether there is a network.
    pub(crate) fn is_online(&self) -> bool {
        !self.offline.contains(&self.now())
    }

    /// The machine sleeps.
    pub(crate) async fn sleep(&self, milliseconds: u64) {
        tokio::time::advance(Duration::from_millis(milliseconds)).await;
        self.slept.fetch_add(milliseconds, Relaxed);
        self.woke.store(self.now(), Relaxed);
    }

    /// Moment at which the machine last woke.
    pub(crate) fn woke(&self) -> u64 {
        self.woke.load(Relaxed)
    }

    /// A process begins; called in its runtime.
    pub(crate) fn begin(&self) {
        self.time.lock().1 = Some(Instant::now());
        self.is_off.store(false, Relaxed);
    }

    /// The process is at its end; called in its runtime.
    pub(crate) fn end(&self) {
        let now = self.now();
        *self.time.lock() = (now, None);
    }

    /// From here on nothing that the process does has an effect.
    pub(crate) fn turn_off(&self) {
        if !self.is_off.swap(true, Relaxed) {
            self.note(format_args!("the process stops here"));
            self.off.notify_one();
        }
    }

    pub(crate) fn is_off(&self) -> bool {
        self.is_off.load(Relaxed)
    }

    /// Returns once the machine was turned off.
    pub(crate) async fn until_off(&self) {
        // A life that turned the machine off itself has not waited for it: its signal is of the past.
        while !self.is_off() {
            self.off.notified().await;
        }
    }

    /// Never returns while the machine is off.
    pub(crate) async fn stay_on(&self) {
        if self.is_off() {
            std::future::pending::<()>().await;
        }
    }

    pub(crate) fn note(&self, event: fmt::Arguments<'_>) {
        self.trace.lock().note(self.now(), event);
    }

    /// An invariant does not hold.
    pub(crate) fn violate(&self, what: String) {
        self.note(format_args!("VIOLATED {what}"));
        self.wrong.lock().push(what);
    }

    pub(crate) fn wrong(&self) -> Vec<String> {
        self.wrong.lock().clone()
    }

    pub(crate) fn is_violated(&self) -> bool {
        !self.wrong.lock().is_empty()
    }

    pub(crate) fn with_trace<R>(&self, read: impl FnOnce(&Trace) -> R) -> R {
        read(&self.trace.lock())
    }

    /// How long something takes that is usually quick.
    pub(crate) fn moment(&self) -> Duration {
        let mut pace = self.pace.lock();
        let longest = pace.pick(&[1, 1, 1, 5, 20, 300]);
        Duration::from_millis(pace.within(0..longest))
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(i64::try_from(EPOCH_MS + self.now()).unwrap_or(i64::MAX))
    }

    fn slept(&self) -> Duration {
        Duration::from_millis(self.slept.load(Relaxed))
    }

    /// The run begins on a Thursday at midnight.
    fn local(&self) -> LocalTime {
        let minutes = self.now() / 60_000;
        LocalTime {
            weekday: u8::try_from((minutes / 1440 + 3) % 7 + 1).unwrap_or(1),
            minute: u16::try_from(minutes % 1440).unwrap_or(0),
        }
    }
}

impl Routes for World {
    fn reach(&self, _host: &str) -> bool {
        self.is_online()
    }
}

impl Rng for World {
    fn uniform(&self) -> f64 {
        self.rng.lock().uniform()
    }
}

impl Delay for World {
    fn pause(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(self.moment()))
    }
}
