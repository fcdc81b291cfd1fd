//! One file per table, as in the source.

mod job;
mod log;
mod order;
mod segment;
mod target;
