//! Wall-clock time, for what is stored and shown. Deadlines and delays use tokio's monotonic clock, which tests pause.

use std::{
    fmt,
    sync::OnceLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use ropeway_model::{LocalTime, Timestamp};

/// Tells the time of day.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present moment.
    fn now(&self) -> Timestamp;
    /// The present moment as the wall clock of the machine's time zone shows it.
    fn local(&self) -> LocalTime;
    /// How long the machine has been asleep since some moment in the past; it only grows.
    fn slept(&self) -> Duration {
        Duration::ZERO
    }
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

    /// What the time since the start (`CLOCK_BOOTTIME`), which counts sleep, has grown more than the monotonic clock,
    /// which does not.
    fn slept(&self) -> Duration {
        static FIRST: OnceLock<(Duration, Instant)> = OnceLock::new();
        let Some(up) = uptime() else { return Duration::ZERO };
        let (up_first, first) = *FIRST.get_or_init(|| (up, Instant::now()));
        up.saturating_sub(up_first).saturating_sub(first.elapsed())
    }
}

/// Time since the machine was started, sleep included; `None` where the system does not tell it in Linux's way.
fn uptime() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    let seconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_is_awake_has_not_slept_since() {
        let before = SystemClock.slept();
        assert!(SystemClock.slept().saturating_sub(before) < Duration::from_secs(1));
    }
}
