//! Random numbers that spread retries over time.
//!
//! Without them many clients would come back at the same moment.

use std::fmt;

/// Random number generator.
pub trait Rng: Send + Sync + fmt::Debug {
    /// A uniform number in `[0, 1)`.
    fn uniform(&self) -> f64;
}

/// The operating system's random number generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    fn uniform(&self) -> f64 {
        // Without randomness there is only less jitter.
        let bits = getrandom::u32().unwrap_or(u32::MAX / 2);
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }
}
