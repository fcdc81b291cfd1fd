//! Transfer rates.

use std::{fmt, num::NonZeroU64, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

/// A limit or a measurement in bytes a second; never zero: "no bytes at all" is a pause, not a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ByteRate(NonZeroU64);

/// Far above any line, far below where a 64-bit float loses whole bytes.
const LARGEST: f64 = 1e15;

/// A text that is no rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is no rate: write bytes a second such as 800K, 2.5M or 1G")]
pub struct RateParseError {
    text: String,
}

impl ByteRate {
    /// `bytes` a second; `None` for zero.
    pub fn new(bytes: u64) -> Option<Self> {
        NonZeroU64::new(bytes).map(Self)
    }

    /// Bytes a second.
    pub const fn bytes_per_second(self) -> u64 {
        self.0.get()
    }

    /// How long `bytes` take at this rate.
    pub fn time_for(self, bytes: u64) -> Duration {
        let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(self.0.get());
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}

impl FromStr for ByteRate {
    type Err = RateParseError;

    /// `500K`, `2.5M`, `1G`, `65536`: bytes a second, units of 1024.
    fn from_str(text: &str) -> Result<Self, RateParseError> {
        let refused = || RateParseError { text: text.chars().take(40).collect() };
        let trimmed = text.trim();
        let (number, unit) = match trimmed.char_indices().last() {
            Some((at, last)) if last.is_ascii_alphabetic() => (&trimmed[..at], last.to_ascii_uppercase()),
            _ => (trimmed, 'B'),
        };
        let factor: f64 = match unit {
            'B' => 1.0,
            'K' => 1024.0,
            'M' => 1024.0 * 1024.0,
            'G' => 1024.0 * 1024.0 * 1024.0,
            _ => return Err(refused()),
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let value: f64 = number.parse().ok().filter(|_| digits(number)).ok_or_else(refused)?;
        let bytes = (value * factor).round();
        if !(1.0..=LARGEST).contains(&bytes) {
            return Err(refused());
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 1..=1e15, checked above")]
        Self::new(bytes as u64).ok_or_else(refused)
    }
}

impl fmt::Display for ByteRate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.get();
        #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
        let scaled = |unit: u64| bytes as f64 / unit as f64;
        match bytes {
            0..1024 => write!(formatter, "{bytes} B/s"),
            1024..1_048_576 => write!(formatter, "{:.1} KiB/s", scaled(1024)),
            1_048_576..1_073_741_824 => write!(formatter, "{:.1} MiB/s", scaled(1 << 20)),
            _ => write!(formatter, "{:.1} GiB/s", scaled(1 << 30)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_in_units_of_1024() {
        for (text, bytes) in [
            ("500K", Some(512_000)),
            ("2.5M", Some(2_621_440)),
            ("1g", Some(1 << 30)),
            ("65536", Some(65_536)),
            ("1B", Some(1)),
            (" 8k ", Some(8192)),
            ("0", None),
            ("", None),
            ("K", None),
            ("-1K", None),
            ("1e9K", None),
            ("infM", None),
            ("12T", None),
            ("9999999999999999G", None),
        ] {
            assert_eq!(text.parse::<ByteRate>().ok().map(ByteRate::bytes_per_second), bytes, "{text:?}");
        }
    }

    #[test]
    fn a_second_of_bytes_takes_a_second() {
        let rate = ByteRate::new(1 << 20).unwrap();
        assert_eq!(rate.time_for(1 << 20), Duration::from_secs(1));
        assert_eq!(rate.time_for(1 << 19), Duration::from_millis(500));
    }
}
