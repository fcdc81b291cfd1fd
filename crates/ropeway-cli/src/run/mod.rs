//! Running this process's own jobs to their ends: `get` and `put`.

mod end;
mod process;
mod refused;
mod run_state;
mod stream;

pub(crate) use end::{End, Queue, Sums, is_kept_by_server};
pub(crate) use process::{Ending, OwnQueue, Ran, open_once};
pub(crate) use run_state::RunState;
#[cfg(test)]
pub(crate) use run_state::tests;
pub(crate) use stream::Stream;
