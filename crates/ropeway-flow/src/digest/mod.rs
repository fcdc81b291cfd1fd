//! Digests of files, computed while the bytes move.
//!
//! They can go on where an earlier process stopped.

mod follower;
mod hasher;
mod hashers;

pub use follower::Follower;
pub use hasher::Hasher;
pub use hashers::Hashers;
