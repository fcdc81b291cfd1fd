//! Ropeway over HTTP; and the folders that every shell shares.
//!
//! [`serve`] shares a folder and receives uploads into it, for anybody who can reach the port. [`control`] carries the
//! engine's contract to a browser and to the command line, for the user alone. They have only `transport` in common:
//! the accept loop, its limits, and how both stop.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

pub mod control;
pub mod folders;
pub mod serve;
mod transport;
