//! Block digests: what each stretch of a file hashed to when it came. They tell, also months later, which bytes of a
//! file are no longer those that were received, and allow to fetch only these again.

mod compare;
mod grid;
mod ledger;

pub(crate) use compare::{compare, digest};
pub(crate) use grid::Grid;
pub(crate) use ledger::Ledger;
