//! Block digests, taken of each stretch of a file when it came. They tell, also months later, which bytes of a file are
//! no longer those that were received, and allow to fetch only these again.

mod compare;
mod grid;
mod ledger;
mod repair;
mod verify;
mod verify_progress;

pub(crate) use compare::{compare, digest};
pub(crate) use grid::Grid;
pub(crate) use ledger::Ledger;
pub(crate) use repair::repair;
pub use verify::BlockReport;
pub(crate) use verify::verify;
pub(crate) use verify_progress::Verifications;
pub use verify_progress::{ProofProgress, ProofStage};
