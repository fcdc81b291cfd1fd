//! Receiving files.
//!
//! Bytes go to a draft beside the final place, or in the nearest folder above it that there is ([`draft`]), hashed on the
//! way; only a whole, verified and synced draft gets its name ([`place`]), and missing folders are made no earlier.
//! Whatever ends early, for whatever reason, removes its draft by being dropped; what a killed process left is found at
//! the next start ([`sweep`]).

mod body;
pub(super) mod draft;
pub(super) mod form;
pub(super) mod place;
mod promised;
pub(super) mod put;
pub(super) mod receive;
mod stored;
pub(super) mod sweep;

pub(super) use body::UploadBody;
