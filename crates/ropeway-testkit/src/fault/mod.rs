//! The fault server: what networks, servers, disks and names do wrong, one case each, and what a client must make of
//! it.
//!
//! A [`Case`] is the script of a server, the command a user would type, and the rule for its end. [`try_out`] plays it
//! against any [`Client`] from outside, with an empty folder and an empty home, and judges by what a user has
//! afterwards: the exit code, the file, and what the server saw. The same cases make the table of `docs/faults.md` and
//! the black-box suite.

mod case;
mod cases;
mod client;
mod ground;
mod judge;
mod outcome;
pub mod page;
mod process;
mod stage;
mod try_out;
mod verdict;
mod wish;

pub use case::{Case, Play, Proof};
pub use cases::all;
pub use client::Client;
pub use outcome::Outcome;
pub use try_out::try_out;
pub use verdict::{Report, Verdict};
