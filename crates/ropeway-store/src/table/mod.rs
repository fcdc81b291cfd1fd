//! One file per table: its migration, its row, its reads and its writes.

pub(crate) mod block;
pub(crate) mod host;
pub(crate) mod job;
pub(crate) mod log;
pub(crate) mod part_file;
pub(crate) mod segment;
pub(crate) mod target;
pub(crate) mod upload;
