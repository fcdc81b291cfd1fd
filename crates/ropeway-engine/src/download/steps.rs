//! More connections one by one, where a few bring as much as the machine takes or less than a limit lets through: only
//! while each of them helps.

use std::time::Duration;

use tokio::time::Instant;

/// A step lasts this long: half for the new connections to come to speed, half to be measured.
const STEP: Duration = Duration::from_secs(1);
/// Of what a connection brings on average, a new one must bring this much to be kept.
const LEAST_YIELD: f64 = 0.1;
/// Lines change: after this long what was enough is measured again.
const SETTLED: Duration = Duration::from_secs(30);

/// Growing step by step.
#[derive(Debug)]
pub(super) enum Steps {
    /// Nothing to measure before this moment.
    Rests(Option<Instant>),
    /// The new connections come to speed until then.
    Warms { until: Instant, before: Option<Measured> },
    /// The transfer is measured.
    Measures { since: Instant, moved: u64, before: Option<Measured> },
}

/// Measure of what some connections brought together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    connections: usize,
    /// Bytes a second.
    rate: f64,
}

impl Default for Steps {
    fn default() -> Self {
        Self::Rests(None)
    }
}

impl Steps {
    /// Nothing is measured before that.
    pub(super) fn rest(&mut self, until: Instant) {
        *self = Self::Rests(Some(until));
    }

    /// Forgets what was measured so far, which says nothing.
    pub(super) fn forget(&mut self) {
        if !matches!(self, Self::Rests(_)) {
            *self = Self::Rests(None);
        }
    }

    /// Notes that `allowed` connections have brought `moved` bytes by now. Returns how many there may be from now on,
    /// at most `wanted`.
    pub(super) fn tick(&mut self, now: Instant, moved: u64, allowed: usize, wanted: usize) -> usize {
        match *self {
            Self::Rests(Some(until)) if now < until => {}
            Self::Rests(_) => *self = Self::Warms { until: now + STEP / 2, before: None },
            Self::Warms { until, .. } if now < until => {}
            Self::Warms { before, .. } => *self = Self::Measures { since: now, moved, before },
            Self::Measures { since, .. } if now < since + STEP / 2 => {}
            Self::Measures { since, moved: from, before } => {
                let rate = per_second(moved - from.min(moved), now - since);
                return self.step(Measured { connections: allowed, rate }, before, wanted, now);
            }
        }
        allowed
    }

    /// Takes the next step, or the last one back.
    fn step(&mut self, measured: Measured, before: Option<Measured>, wanted: usize, now: Instant) -> usize {
        let allowed = measured.connections;
        if let Some(before) = before
            && yield_of(before, measured) < LEAST_YIELD
        {
            self.rest(now + SETTLED);
            return before.connections;
        }
        let more = (allowed + (allowed / 4).max(1)).min(wanted);
        if more == allowed {
            self.rest(now + SETTLED);
        } else {
            *self = Self::Warms { until: now + STEP / 2, before: Some(measured) };
        }
        more
    }
}

/// What each connection that came between the two brought, as a share of what one brought before.
#[expect(clippy::cast_precision_loss, reason = "at most 64 connections")]
fn yield_of(before: Measured, after: Measured) -> f64 {
    let added = after.connections.saturating_sub(before.connections).max(1) as f64;
    let usual = before.rate / before.connections.max(1) as f64;
    if usual <= 0.0 { 1.0 } else { (after.rate - before.rate) / added / usual }
}

#[expect(clippy::cast_precision_loss, reason = "bytes of one second")]
fn per_second(bytes: u64, elapsed: Duration) -> f64 {
    bytes as f64 / elapsed.as_secs_f64().max(0.001)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_come_one_by_one_and_only_while_each_helps() {
        let allowed_after = |ticks: u32, rate_of: fn(usize) -> u64| {
            let start = Instant::now();
            let (mut steps, mut allowed, mut moved) = (Steps::default(), 2, 0);
            for tick in 1..=ticks {
                moved += rate_of(allowed) / 10;
                allowed = steps.tick(start + tick * STEP / 10, moved, allowed, 4);
            }
            allowed
        };
        assert_eq!(allowed_after(10, |_| 1 << 30), 2, "the machine is busy with two");
        assert_eq!(allowed_after(15, |_| 1 << 30), 3, "a third one is tried");
        assert_eq!(allowed_after(30, |_| 1 << 30), 2, "and brought nothing");
        assert_eq!(allowed_after(50, |count| (count as u64) << 29), 4, "each brings as much as the first");
        assert_eq!(allowed_after(340, |_| 1 << 30), 3, "lines change: it is tried again after a while");
    }

    #[test]
    fn nothing_is_tried_while_it_rests() {
        let start = Instant::now();
        let mut steps = Steps::default();
        steps.rest(start + SETTLED);
        for tick in 1..30_u32 {
            assert_eq!(steps.tick(start + tick * STEP, u64::from(tick) << 30, 2, 4), 2);
        }
    }
}
