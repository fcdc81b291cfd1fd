//! The durable queue as its callers see it: in memory, in a file, in several processes, killed and reopened.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod child;
mod commits;
mod kill;
mod mending;
mod model;
mod opening;
mod sample;
mod shared_file;
mod table;
