//! One file per table, as in the source.

mod block;
mod host;
mod job;
mod log;
mod order;
mod part_file;
mod segment;
mod target;
mod upload;
