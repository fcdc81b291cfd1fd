//! Wall-clock instants, for what is stored and shown. Durations and deadlines of running work use a monotonic clock.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_unix_ms(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// This instant moved into the future; saturates instead of wrapping.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This instant moved into the past; saturates instead of wrapping.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Time from `now` until this instant; zero once it has passed.
    pub fn remaining_from(self, now: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(now.0)).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_in_the_past_has_nothing_remaining() {
        let now = Timestamp::from_unix_ms(10_000);
        assert_eq!(Timestamp::from_unix_ms(4_000).remaining_from(now), Duration::ZERO);
        assert_eq!(now.plus(Duration::from_secs(90)).remaining_from(now), Duration::from_secs(90));
    }

    #[test]
    fn an_instant_is_told_in_the_milliseconds_it_was_made_of() {
        for milliseconds in [0, -1, 1_700_000_000_123, i64::MAX] {
            assert_eq!(Timestamp::from_unix_ms(milliseconds).unix_ms(), milliseconds);
        }
    }
}
