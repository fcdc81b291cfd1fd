//! A moment on the command line: a time of day, or a full date.

use jiff::{Timestamp, Zoned, civil::Time};

/// Unix time in milliseconds of a moment such as `03:30`, the next time the clock of this machine's time zone shows it,
/// or `2026-12-24T18:00:00+01:00` (RFC 3339).
pub(crate) fn time_arg(text: &str) -> Result<i64, String> {
    after(text, &Zoned::now())
}

fn after(text: &str, now: &Zoned) -> Result<i64, String> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment.as_millisecond());
    }
    let wrong = || format!("'{text}' is no moment: write 03:30, or 2026-12-24T18:00:00+01:00");
    let time = clock_time(text).ok_or_else(wrong)?;
    let on = |date: jiff::civil::Date| date.to_datetime(time).to_zoned(now.time_zone().clone()).map_err(|_| wrong());
    let today = on(now.date())?;
    let next = if today > *now { today } else { on(now.date().tomorrow().map_err(|_| wrong())?)? };
    Ok(next.timestamp().as_millisecond())
}

fn clock_time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(hour) && digits(minute)).then_some(())?;
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_the_next_one_and_a_date_is_itself() {
        let now: Zoned = "2026-03-28T22:00:00+01:00[Europe/Berlin]".parse().unwrap();
        for (text, expected) in [
            ("23:15", "2026-03-28T23:15:00+01:00"),
            ("7:05", "2026-03-29T07:05:00+02:00"),
            ("22:00", "2026-03-29T22:00:00+02:00"),
            // The clock skips this one on that day.
            ("02:30", "2026-03-29T03:30:00+02:00"),
            ("2026-12-24T18:00:00Z", "2026-12-24T18:00:00Z"),
            ("2026-12-24T18:00:00+01:00", "2026-12-24T17:00:00Z"),
        ] {
            let expected = expected.parse::<Timestamp>().unwrap().as_millisecond();
            assert_eq!(after(text, &now), Ok(expected), "{text}");
        }
        for wrong in ["", "soon", "25:00", "12:60", "12", "+1:00", "2026-12-24"] {
            assert!(after(wrong, &now).is_err(), "{wrong}");
        }
    }
}
