//! Digests of files: computed while the bytes move, and able to go on where an earlier process stopped.

mod follower;
mod hasher;
mod hashers;

pub(crate) use follower::Follower;
pub use hasher::Hasher;
pub(crate) use hashers::Hashers;
