//! Fetching a file from its front to its back with many connections. Where a digest follows the contiguous prefix, the
//! front should not be long in coming.

use ropeway_model::ByteRange;

use crate::plan::SMALLEST_SEGMENT;

/// The length of the stretches that connections take one after the other from the file's front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stripe(u64);

impl Stripe {
    /// Every connection has this many stretches to fetch, so that at the end little is hashed late.
    const EACH: u64 = 16;
    /// Connections a file is striped for at most: with more of them each has fewer.
    const MOST_CONNECTIONS: u64 = 8;
    /// Shorter ones cost more requests than they gain.
    const SHORTEST: u64 = 4 << 20;
    /// Longer ones keep the digest waiting.
    const LONGEST: u64 = 32 << 20;

    /// The stripe for a file of `length` bytes over so many connections. `None` where one fetches it from front to back
    /// anyway.
    pub(crate) fn of(length: Option<u64>, connections: usize) -> Option<Self> {
        let connections = u64::try_from(connections).ok().filter(|connections| *connections > 1)?;
        let share = length? / connections.min(Self::MOST_CONNECTIONS) / Self::EACH;
        Some(Self(share.clamp(Self::SHORTEST, Self::LONGEST)))
    }

    /// The front of what is missing, up to where a stripe ends. All of it where that is little more.
    pub(super) fn front(self, missing: ByteRange) -> ByteRange {
        // What would be left of a stripe after a cut must be worth a request.
        let end = (missing.start().saturating_add(SMALLEST_SEGMENT) / self.0 + 1).saturating_mul(self.0);
        if missing.end().saturating_sub(end) < SMALLEST_SEGMENT {
            return missing;
        }
        ByteRange::new(missing.start(), end).unwrap_or(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn stripes_grow_with_the_file_and_one_connection_has_none() {
        for (length, connections, expected) in [
            (None, 4, None),
            (Some(1024 * MIB), 1, None),
            (Some(10 * MIB), 4, Some(4 * MIB)),
            (Some(1024 * MIB), 4, Some(16 * MIB)),
            (Some(1 << 40), 4, Some(32 * MIB)),
        ] {
            assert_eq!(Stripe::of(length, connections), expected.map(Stripe), "{length:?} {connections}");
        }
    }

    #[test]
    fn a_front_ends_where_a_stripe_does_and_leaves_nothing_too_small() {
        let stripe = Stripe(4 * MIB);
        for (start, end, expected) in [
            (0, 100 * MIB, 4 * MIB),
            (MIB, 100 * MIB, 4 * MIB),
            (4 * MIB - 1, 100 * MIB, 8 * MIB),
            (5 * MIB, 6 * MIB, 6 * MIB),
            (0, 4 * MIB + 1, 4 * MIB + 1),
        ] {
            let missing = ByteRange::new(start, end).unwrap();
            assert_eq!(stripe.front(missing).end(), expected, "{missing}");
        }
    }
}
