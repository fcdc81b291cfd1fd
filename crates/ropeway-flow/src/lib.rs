//! Bytes between a file and a stream, either way.
//!
//! Whoever fetches, sends, receives or serves a file stands on this. It knows files and bytes, and neither jobs nor protocols. [`disk`], [`clock`], [`rng`] and [`blocking`] are seams: a
//! simulator puts its own behind them.

pub mod blocking;
pub mod buffers;
pub mod clock;
pub mod digest;
pub mod disk;
pub mod meter;
pub mod rng;
pub mod shares;
pub mod throttle;
