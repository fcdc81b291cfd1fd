//! Receiving files.
//!
//! Bytes go to a draft beside the final place ([`draft`]), hashed on the way; only a whole, verified and synced draft
//! gets its name ([`draft::Draft::publish`]). Whatever ends early, for whatever reason, removes its draft by being
//! dropped; what a killed process left is found at the next start ([`sweep`]).

mod body;
pub(super) mod digest;
pub(super) mod draft;
pub(super) mod form;
pub(super) mod put;
mod receive;
mod stored;
pub(super) mod sweep;

pub(super) use body::UploadBody;
