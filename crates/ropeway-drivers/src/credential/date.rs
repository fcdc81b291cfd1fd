//! Dates of cookies (RFC 6265bis §5.1.1). Servers write them in any order and with any signs between.

/// Days of a year before each month, without a leap day.
const BEFORE_MONTH: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Unix seconds of a date; `None` for a text that is none.
pub(super) fn parse(text: &str) -> Option<i64> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    let is_delimiter = |character: char| !(character.is_ascii_alphanumeric() || character == ':');
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        if time.is_none() && token.contains(':') {
            time = Some(clock(token)?);
            continue;
        }
        let named = token.get(..3).map(str::to_ascii_lowercase);
        let named = named.and_then(|name| MONTHS.iter().position(|month| *month == name));
        match number(token) {
            Some(value) if day.is_none() && token.len() <= 2 => day = Some(value),
            Some(value) if year.is_none() => year = Some(value),
            None if month.is_none() => month = named.or(month),
            _ => {}
        }
    }
    let (day, month) = (day?, month?);
    let year = match year? {
        year @ 70..=99 => year + 1900,
        year @ 0..=69 => year + 2000,
        year => year,
    };
    let is_date = (1..=31).contains(&day) && (1601..=9999).contains(&year);
    is_date.then(|| days(year, month, day) * 86_400 + time.unwrap_or(0))
}

fn number(token: &str) -> Option<i64> {
    let is_number = token.len() <= 4 && token.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| token.parse().ok()).flatten()
}

/// Seconds of a day.
fn clock(token: &str) -> Option<i64> {
    let parts: Vec<i64> = token.split(':').map(number).collect::<Option<_>>()?;
    let [hour @ 0..=23, minute @ 0..=59, second @ 0..=59] = parts.as_slice() else { return None };
    Some(hour * 3600 + minute * 60 + second)
}

/// Days since 1970.
fn days(year: i64, month: usize, day: i64) -> i64 {
    let leap_days = |year: i64| year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let is_leap = leap_days(year) > leap_days(year - 1);
    let before = BEFORE_MONTH.get(month).copied().unwrap_or(0) + i64::from(is_leap && month > 1);
    365 * (year - 1970) + leap_days(year - 1) - leap_days(1969) + before + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_however_it_is_written() {
        for (text, expected) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Thu, 01-Jan-1970 00:00:01 GMT", Some(1)),
            ("Wed, 09-Jun-2021 10:18:14 GMT", Some(1_623_233_894)),
            ("Wednesday, 09-Jun-21 10:18:14 GMT", Some(1_623_233_894)),
            ("Wed Jun  9 10:18:14 2021", Some(1_623_233_894)),
            ("2024 Feb 29 00:00:00", Some(1_709_164_800)),
            ("Sat, 01 Mar 2036 00:00:00 GMT", Some(2_087_942_400)),
            ("Wed, 31 Feb 1600 00:00:00 GMT", None),
            ("Wed, 09 Jun 2021 25:00:00 GMT", None),
            ("Wed, 09 Jun 02021 10:18:14 GMT", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
