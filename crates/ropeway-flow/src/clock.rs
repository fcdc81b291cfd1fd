//! Wall-clock time, for what is stored and shown. Deadlines and delays use tokio's monotonic clock, which tests pause.

use std::{
    fmt,
    sync::OnceLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use jiff::{SignedDuration, Zoned, civil::DateTime, tz::AmbiguousOffset};
use ropeway_model::{LocalTime, Timestamp};

/// Tells the time of day.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present moment.
    fn now(&self) -> Timestamp;
    /// Local time as the machine's wall clock shows it.
    fn local(&self) -> LocalTime;
    /// Time asleep since some moment in the past; it only grows.
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
        local(&Zoned::now())
    }

    /// Growth of the boot time (`CLOCK_BOOTTIME`) beyond the monotonic clock.
    /// The one counts sleep, the other does not.
    fn slept(&self) -> Duration {
        static FIRST: OnceLock<(Duration, Instant)> = OnceLock::new();
        let Some(up) = uptime() else { return Duration::ZERO };
        let (up_first, first) = *FIRST.get_or_init(|| (up, Instant::now()));
        up.saturating_sub(up_first).saturating_sub(first.elapsed())
    }
}

/// Time of a wall clock that stands still and is not set back.
///
/// Of an hour that comes twice, all of the second time counts as the first one's last minute, so that a rule of the
/// schedule begins and ends once.
fn local(now: &Zoned) -> LocalTime {
    let shown = last_before_set_back(now).unwrap_or_else(|| now.datetime());
    let minute = i16::from(shown.hour()) * 60 + i16::from(shown.minute());
    LocalTime {
        weekday: u8::try_from(shown.weekday().to_monday_one_offset()).unwrap_or(1),
        minute: u16::try_from(minute).unwrap_or(0),
    }
}

/// Last moment before the clock was set back, while an hour repeats.
fn last_before_set_back(now: &Zoned) -> Option<DateTime> {
    let zone = now.time_zone();
    match zone.to_ambiguous_timestamp(now.datetime()).offset() {
        AmbiguousOffset::Fold { before, after } if now.offset() == after => {
            let set_back = zone.preceding(now.timestamp()).next()?.timestamp();
            let last = set_back.checked_sub(SignedDuration::from_nanos(1)).ok()?;
            Some(before.to_datetime(last))
        }
        _ => None,
    }
}

/// Time since the machine was started, sleep included.
/// `None` where the system does not tell it in Linux's way.
fn uptime() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    let seconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use ropeway_model::{Schedule, ScheduleEffect, ScheduleRule};

    use super::*;

    /// How often, and for how many minutes, a rule from `from` to `to` on every day holds from the noon before `date`
    /// on for two days, in a zone with summer time.
    fn held(date: &str, from: u16, to: u16) -> (usize, usize) {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let rule = ScheduleRule::new(&[1, 2, 3, 4, 5, 6, 7], from, to, ScheduleEffect::Pause).unwrap();
        let schedule = Schedule::new(vec![rule]);
        let noon = date.parse::<jiff::civil::Date>().unwrap().yesterday().unwrap().at(12, 0, 0, 0);
        let start = noon.to_zoned(zone).unwrap();
        let holds: Vec<bool> = (0..24 * 60)
            .map(|minute| start.checked_add(SignedDuration::from_mins(minute)).unwrap())
            .map(|moment| schedule.effect(local(&moment)).is_some())
            .collect();
        let begins = holds.windows(2).filter(|pair| !pair[0] && pair[1]).count();
        (begins, holds.iter().filter(|holds| **holds).count())
    }

    #[test]
    fn a_rule_begins_once_a_day_also_where_the_clock_is_set_and_on_a_leap_day() {
        const THREE: u16 = 180;
        for (date, from, to, expected) in [
            ("2026-06-10", 150, 240, (1, 90)),
            // Set back from three to two: the hour between comes twice.
            ("2026-10-25", 150, 240, (1, 150)),
            ("2026-10-25", 130, 150, (1, 20)),
            ("2026-10-25", 60, THREE, (1, 180)),
            // Set ahead from two to three: what would begin between begins at three.
            ("2026-03-29", 150, 240, (1, 60)),
            ("2028-02-29", 150, 240, (1, 90)),
        ] {
            assert_eq!(held(date, from, to), expected, "{date} {from} to {to}");
        }
    }

    #[test]
    fn a_machine_that_is_awake_has_not_slept_since() {
        let before = SystemClock.slept();
        assert!(SystemClock.slept().saturating_sub(before) < Duration::from_secs(1));
    }
}
