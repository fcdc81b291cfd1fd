//! What both servers stand on: one accept loop with its limits, and how it ends.

pub(crate) mod host;
pub(crate) mod listen;
pub(crate) mod pace;
mod paced_stream;
mod places;
pub(crate) mod visit;
