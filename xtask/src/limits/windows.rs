//! How far from its limit a transfer was in any five seconds.

/// Length of a window in seconds.
const WINDOW: f64 = 5.0;
/// What comes in the first seconds is told apart: the first answer is under way before anybody has read of it.
const START: f64 = 2.0;

/// A moment in seconds, and the bytes sent until then.
pub(super) type Mark = (f64, u64);

/// Deviations in per cent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Deviation {
    /// Of the window in which most came over the limit.
    pub(super) above: f64,
    /// Of the window that stayed below it most.
    pub(super) below: f64,
    /// Of the first second alone.
    pub(super) first_second: f64,
}

/// Compares every window that begins two seconds or more after the first byte with `limit` bytes a second.
///
/// `None` where the marks cover no window.
#[expect(clippy::cast_precision_loss, reason = "bytes of a minute")]
pub(super) fn deviation(marks: &[Mark], limit: f64) -> Option<Deviation> {
    let started = marks.iter().rposition(|(_, sent)| *sent == 0).unwrap_or(0);
    let marks = marks.get(started..)?;
    let of = |from: &Mark, to: &Mark| (((to.1 - from.1) as f64 / (to.0 - from.0)) / limit - 1.0) * 100.0;
    let after = |from: &Mark, seconds: f64| marks.iter().find(|to| to.0 - from.0 >= seconds - 1e-6).copied();
    let first = marks.first()?;
    let settled = marks.iter().filter(|mark| mark.0 - first.0 >= START - 1e-6);
    let windows: Vec<f64> = settled.filter_map(|from| Some(of(from, &after(from, WINDOW)?))).collect();
    let above = windows.iter().copied().max_by(f64::total_cmp)?;
    let below = windows.iter().copied().min_by(f64::total_cmp)?;
    Some(Deviation { above, below, first_second: of(first, &after(first, 1.0)?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(bytes: impl Fn(u32) -> u64) -> Vec<Mark> {
        (0..100).map(|tenth| (f64::from(tenth) / 10.0, bytes(tenth))).collect()
    }

    #[test]
    fn a_steady_transfer_is_true_and_a_faster_one_is_not() {
        let steady = deviation(&marks(|tenth| u64::from(tenth) * 100), 1000.0).unwrap();
        assert!(steady.above.abs() < 0.01 && steady.below.abs() < 0.01, "{steady:?}");
        let fast = deviation(&marks(|tenth| u64::from(tenth) * 110), 1000.0).unwrap();
        assert!((fast.above - 10.0).abs() < 0.01 && (fast.below - 10.0).abs() < 0.01, "{fast:?}");
    }

    #[test]
    fn bursts_and_pauses_show() {
        let start = deviation(&marks(|tenth| u64::from(tenth) * 100 + 500 * u64::from(tenth > 0)), 1000.0).unwrap();
        assert!(start.above < 0.1 && start.first_second > 49.0, "{start:?}");
        let burst = deviation(&marks(|tenth| u64::from(tenth) * 100 + 500 * u64::from(tenth > 60)), 1000.0).unwrap();
        assert!(burst.above > 9.0, "{burst:?}");
        let paused = deviation(&marks(|tenth| u64::from(if tenth > 60 { tenth - 10 } else { tenth }) * 100), 1000.0);
        assert!(paused.is_some_and(|paused| paused.below < -15.0));
    }

    #[test]
    fn time_counts_from_the_first_byte() {
        let late = deviation(&marks(|tenth| u64::from(tenth.saturating_sub(20)) * 100), 1000.0).unwrap();
        assert!(late.below.abs() < 0.01, "{late:?}");
        assert!(deviation(&[(0.0, 0), (1.0, 5)], 1.0).is_none());
    }
}
