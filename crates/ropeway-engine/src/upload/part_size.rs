//! Bytes of one request to a server that appends. What a cut may cost stands against what a request costs.

use std::{ops::RangeInclusive, time::Duration};

/// The first part, of which nothing is known.
const FIRST: u64 = 8 << 20;
/// What one request takes on the line. A server or a proxy that keeps nothing of a request that broke off costs as much;
/// the round trip between two requests is small beside it.
const WORTH: Duration = Duration::from_secs(8);
/// Times that a part may be larger than the one before: one answer that came early is no measure.
const STEEPEST: u64 = 4;

/// Length of the parts of one upload.
#[derive(Debug)]
pub(super) struct PartSize {
    least: u64,
    most: u64,
    next: u64,
}

impl PartSize {
    /// Parts of a length within `bounds`. The first of them is half as long for each of the tries behind the first that
    /// `failed` in a row: what stands on the way may end every request that takes too long, and keep nothing of it.
    pub(super) fn new(bounds: &RangeInclusive<u64>, failed: u32) -> Self {
        let (least, most) = (*bounds.start(), *bounds.end());
        Self { least, most, next: FIRST.checked_shr(failed.saturating_sub(1)).unwrap_or(0).clamp(least, most) }
    }

    /// Bytes of the next part. The file may have fewer left.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Learns from a part of `bytes` that was acknowledged after `took`.
    pub(super) fn acknowledged(&mut self, bytes: u64, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
        let worth = u128::from(bytes) * WORTH.as_micros() / u128::from(micros);
        let worth = u64::try_from(worth).unwrap_or(u64::MAX);
        self.next = worth.min(self.next.saturating_mul(STEEPEST)).clamp(self.least, self.most);
    }

    /// Halves the parts, since the server takes none of `bytes`. `false` where they are as small as they may be.
    pub(super) fn refused(&mut self, bytes: u64) -> bool {
        if bytes <= self.least {
            return false;
        }
        self.most = (bytes / 2).max(self.least);
        self.next = self.next.min(self.most);
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;

    #[test]
    fn parts_grow_to_what_eight_seconds_bring_and_shrink_at_once() {
        let mut size = PartSize::new(&(64 * KIB..=u64::MAX), 0);
        let mut sizes = vec![size.next()];
        for (bytes, milliseconds) in [(8 * MIB, 80), (32 * MIB, 320), (128 * MIB, 1280), (512 * MIB, 5120), (MIB, 8000)]
        {
            size.acknowledged(bytes, Duration::from_millis(milliseconds));
            sizes.push(size.next());
        }
        assert_eq!(sizes, [8 * MIB, 32 * MIB, 128 * MIB, 512 * MIB, 800 * MIB, MIB]);
    }

    #[test]
    fn a_server_that_takes_less_is_found_by_halves_and_not_asked_for_more_again() {
        let mut size = PartSize::new(&(64 * KIB..=u64::MAX), 0);
        let mut asked = Vec::new();
        while size.next() > MIB {
            asked.push(size.next());
            assert!(size.refused(size.next()));
        }
        assert_eq!((asked, size.next()), (vec![8 * MIB, 4 * MIB, 2 * MIB], MIB));
        size.acknowledged(MIB, Duration::from_millis(1));
        assert_eq!(size.next(), MIB);
        assert!(!PartSize::new(&(64 * KIB..=u64::MAX), 0).refused(64 * KIB));
    }

    #[test]
    fn a_try_after_failed_ones_begins_with_less() {
        let first = |failed| PartSize::new(&(64 * KIB..=u64::MAX), failed).next();
        assert_eq!([0, 1, 2, 4, 64, 65].map(first), [8 * MIB, 8 * MIB, 4 * MIB, MIB, 64 * KIB, 64 * KIB]);
    }

    proptest! {
        #[test]
        fn a_part_is_never_out_of_bounds(
            least in 1..10_u64 * MIB,
            more in 0..u64::MAX / 2,
            steps in prop::collection::vec((any::<bool>(), 0..u64::MAX, 0..100_000_000_u64), 0..20),
        ) {
            let bounds = least..=least + more;
            let mut size = PartSize::new(&bounds, 0);
            for (is_refused, bytes, micros) in steps {
                if is_refused {
                    size.refused(bytes);
                } else {
                    size.acknowledged(bytes, Duration::from_micros(micros));
                }
                prop_assert!(bounds.contains(&size.next()));
            }
        }
    }
}
