//! Running this process's own jobs to their ends: `get` and `put`.

mod board;
mod end;
mod process;
mod refused;
mod stream;

pub(crate) use board::Board;
#[cfg(test)]
pub(crate) use board::tests;
pub(crate) use end::{End, Queue, Sums};
pub(crate) use process::{Ending, OwnQueue, Ran, open_once};
pub(crate) use stream::Stream;
