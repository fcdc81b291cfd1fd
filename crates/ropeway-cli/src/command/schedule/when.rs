//! Days and hours as people write them.

use std::{fmt, str::FromStr};

const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Days of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Days([bool; 7]);

/// From when to when, in minutes after midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hours {
    pub(super) from: u16,
    pub(super) to: u16,
}

impl Days {
    /// 1 Monday to 7 Sunday.
    pub(super) fn numbers(self) -> Vec<u8> {
        (1..=7).zip(self.0).filter(|(_, is_in)| *is_in).map(|(number, _)| number).collect()
    }
}

impl From<&[u8]> for Days {
    fn from(numbers: &[u8]) -> Self {
        let mut days = Self::default();
        for number in numbers {
            if let Some(day) = days.0.get_mut(usize::from(number.saturating_sub(1))) {
                *day = true;
            }
        }
        days
    }
}

impl FromStr for Days {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("'{text}' names no days: write daily, mon-fri or sat,sun");
        let lower = text.to_ascii_lowercase();
        if lower == "daily" {
            return Ok(Self([true; 7]));
        }
        let mut days = Self::default();
        for part in lower.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let place = |name: &str| NAMES.iter().position(|known| name.starts_with(known));
            let (first, last) = (place(first).ok_or_else(refused)?, place(last).ok_or_else(refused)?);
            // From Saturday to Monday is three days.
            let count = (last + 7 - first) % 7 + 1;
            for day in (first..first + count).map(|day| day % 7) {
                if let Some(day) = days.0.get_mut(day) {
                    *day = true;
                }
            }
        }
        Ok(days)
    }
}

impl fmt::Display for Days {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [true, true, true, true, true, true, true] => formatter.write_str("daily"),
            [true, true, true, true, true, false, false] => formatter.write_str("mon-fri"),
            days => {
                let named = NAMES.into_iter().zip(days).filter(|(_, is_in)| *is_in).map(|(name, _)| name);
                formatter.write_str(&named.collect::<Vec<_>>().join(","))
            }
        }
    }
}

impl FromStr for Hours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("'{text}' is no stretch of a day: write 09:00-17:00");
        let minute = |text: &str| {
            let (hours, minutes) = text.trim().split_once(':')?;
            let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
            (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
        };
        let (from, to) = text.split_once('-').ok_or_else(refused)?;
        // The end of a day is the beginning of the next.
        let to = if to.trim() == "24:00" { Some(0) } else { minute(to) };
        Ok(Self { from: minute(from).ok_or_else(refused)?, to: to.ok_or_else(refused)? })
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        // Midnight is the end of a day here, as it was written.
        let to = if self.to == 0 { "24:00".to_owned() } else { clock(self.to) };
        write!(formatter, "{}-{to}", clock(self.from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_people_write_them() {
        for (text, numbers, shown) in [
            ("daily", &[1, 2, 3, 4, 5, 6, 7][..], "daily"),
            ("Mon-Fri", &[1, 2, 3, 4, 5], "mon-fri"),
            ("sat,sunday", &[6, 7], "sat,sun"),
            ("sat-mon", &[1, 6, 7], "mon,sat,sun"),
            ("wed", &[3], "wed"),
        ] {
            let days: Days = text.parse().unwrap();
            assert_eq!((days.numbers(), days.to_string()), (numbers.to_vec(), shown.to_owned()), "{text}");
            assert_eq!(Days::from(&*days.numbers()), days);
        }
        for wrong in ["", "mon-", "someday", "1-5", ","] {
            assert!(wrong.parse::<Days>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn hours_are_read_as_clocks_show_them() {
        let hours: Hours = "09:05-17:30".parse().unwrap();
        assert_eq!((hours, hours.to_string()), (Hours { from: 545, to: 1050 }, "09:05-17:30".to_owned()));
        assert_eq!("22:00-24:00".parse::<Hours>().unwrap(), Hours { from: 1320, to: 0 });
        assert_eq!("00:00-24:00".parse::<Hours>().unwrap().to_string(), "00:00-24:00");
        for wrong in ["", "9-17", "09:00", "25:00-01:00", "09:60-10:00", "09:00-24:01"] {
            assert!(wrong.parse::<Hours>().is_err(), "{wrong:?}");
        }
    }
}
