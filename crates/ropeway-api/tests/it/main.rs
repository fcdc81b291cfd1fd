//! The contract as a shell meets it: calls, refusals, snapshot and batches.

#![allow(clippy::unwrap_used, reason = "tests")]

mod calls;
mod events;
mod rig;
