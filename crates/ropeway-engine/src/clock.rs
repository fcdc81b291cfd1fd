//! Wall-clock time, for what is stored and shown. Deadlines and delays use tokio's monotonic clock, which tests pause.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use ropeway_model::{LocalTime, Timestamp};

/// Tells the time of day.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present moment.
    fn now(&self) -> Timestamp;
    /// The present moment as the wall clock of the machine's time zone shows it.
    fn local(&self) -> LocalTime;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that all others ask")]
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix_ms(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    fn local(&self) -> LocalTime {
        let now = jiff::Zoned::now();
        let minute = i16::from(now.hour()) * 60 + i16::from(now.minute());
        LocalTime {
            weekday: u8::try_from(now.weekday().to_monday_one_offset()).unwrap_or(1),
            minute: u16::try_from(minute).unwrap_or(0),
        }
    }
}
