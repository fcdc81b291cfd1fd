//! Transfer rates.

use std::{fmt, num::NonZeroU64, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::size::{self, Size};

/// A limit or a measurement in bytes a second; never zero: "no bytes at all" is a pause, not a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ByteRate(NonZeroU64);

/// A bare number below this is more likely a job's number, or one whose unit was forgotten, than a rate.
const LEAST_BARE: u64 = 1024;

/// A text that is no rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateParseError {
    /// It cannot be read.
    #[error("'{text}' is no rate: write bytes a second such as 800K, 2.5M or 1.5 MiB/s")]
    NoRate {
        /// Its beginning.
        text: String,
    },
    /// A small number without a unit.
    #[error("'{text}' has no unit: write {text}K or {text}M, or {text}B for so many bytes a second")]
    NoUnit {
        /// The number.
        text: String,
    },
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

    /// `500K`, `2.5M`, `1.50 MiB/s`, `65536`: bytes a second, in the units of [`size::parse`], and as rates are shown.
    fn from_str(text: &str) -> Result<Self, RateParseError> {
        let trimmed = text.trim();
        let shown = || trimmed.chars().take(40).collect();
        let amount = ["/s", "/S", "ps"].iter().find_map(|ending| trimmed.strip_suffix(ending));
        let bytes = size::parse(amount.unwrap_or(trimmed)).ok_or_else(|| RateParseError::NoRate { text: shown() })?;
        let is_bare = !trimmed.contains(|character: char| character.is_ascii_alphabetic());
        if is_bare && bytes < LEAST_BARE {
            return Err(RateParseError::NoUnit { text: shown() });
        }
        Self::new(bytes).ok_or_else(|| RateParseError::NoRate { text: shown() })
    }
}

impl fmt::Display for ByteRate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/s", Size(self.0.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_they_are_shown() {
        for (text, bytes) in [
            ("500K", Some(512_000)),
            ("2.5M", Some(2_621_440)),
            ("65536", Some(65_536)),
            ("1B", Some(1)),
            ("62 B/s", Some(62)),
            (" 8k ", Some(8192)),
            ("2MB", Some(2 << 20)),
            ("2MiB", Some(2 << 20)),
            ("2MiB/s", Some(2 << 20)),
            ("2M/s", Some(2 << 20)),
            ("2 MB/s", Some(2 << 20)),
            ("1.50 MiB/s", Some(3 << 19)),
            ("0", None),
            ("0K", None),
            ("/s", None),
            ("1M/h", None),
            // Job numbers, and numbers whose unit was forgotten.
            ("62", None),
            ("1.5", None),
            ("1023", None),
            ("1024", Some(1024)),
        ] {
            assert_eq!(text.parse::<ByteRate>().ok().map(ByteRate::bytes_per_second), bytes, "{text:?}");
        }
        let error = "62".parse::<ByteRate>().unwrap_err().to_string();
        assert!(error.contains("62K") && error.contains("62B"), "{error}");
    }

    #[test]
    fn what_is_shown_can_be_read_back() {
        for bytes in [1, 1023, 1024, 512_000, 2_621_440, 48 << 20, 3 << 30] {
            let shown = ByteRate::new(bytes).unwrap().to_string();
            assert_eq!(shown.parse::<ByteRate>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn a_second_of_bytes_takes_a_second() {
        let rate = ByteRate::new(1 << 20).unwrap();
        assert_eq!(rate.time_for(1 << 20), Duration::from_secs(1));
        assert_eq!(rate.time_for(1 << 19), Duration::from_millis(500));
    }
}
