//! Whole jobs of the real engine, its real HTTP driver and its real store, on a simulated network, disk and clock.
//!
//! Everything that happens in a run follows from its seed: one thread, virtual time, one order of events. After every end
//! of a process, a kill or a power cut among them, the invariants of the architecture are checked against what the
//! simulated disk and the queue then hold. [`run`] is the way in.

#![allow(clippy::indexing_slicing, reason = "a simulation asserts what it built itself")]

mod content;
mod disk;
mod invariants;
pub mod lines;
mod many;
mod panics;
mod plan;
mod plant;
mod random;
mod run;
mod server;
mod source;
mod trace;
mod user;
mod volume;
mod world;

pub use many::{Runs, run_many};
pub use plant::Plant;
pub use run::{Report, run};
