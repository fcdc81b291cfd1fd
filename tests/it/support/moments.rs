//! Random moments that can be repeated.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

/// The variable that repeats a run's moments.
const SEED_VARIABLE: &str = "ROPEWAY_TEST_SEED";

/// A stream of random numbers; its seed is printed, so that a failing run can be repeated.
#[derive(Debug)]
pub(crate) struct Moments(u64);

impl Moments {
    /// Fresh ones, or those of the seed in `ROPEWAY_TEST_SEED`.
    pub(crate) fn new() -> Self {
        let given = std::env::var(SEED_VARIABLE).ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        println!("{SEED_VARIABLE}={seed}");
        Self(seed)
    }

    /// More of them, for a thread of its own.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// A moment in `[0, longest)`.
    pub(crate) fn within(&mut self, longest: Duration) -> Duration {
        Duration::from_nanos(self.next() % u64::try_from(longest.as_nanos()).unwrap())
    }

    /// Splitmix64.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
