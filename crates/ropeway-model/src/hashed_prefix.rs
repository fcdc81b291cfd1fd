//! Running digests of a file, to go on from in another process.

use serde::{Deserialize, Serialize};

use crate::Algorithm;

/// Running digests of a file's first bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashedPrefix {
    /// How the states are written; a reader that does not know the number leaves them alone.
    pub format: u8,
    /// Bytes that were hashed.
    pub offset: u64,
    /// The state of each digest.
    pub states: Vec<(Algorithm, Vec<u8>)>,
}
