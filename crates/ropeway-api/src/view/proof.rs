//! What is shown of the proof of a file: its comparison with what was recorded, and checksums found beside it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What is done for the proof of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ProofStage {
    /// The file is read and compared.
    Comparing,
    /// Damaged blocks are fetched again.
    Fetching,
}

/// How far the proof of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ProofProgress {
    /// What is done.
    pub stage: ProofStage,
    /// Bytes that were read or fetched.
    pub done: u64,
    /// Bytes that are to be.
    pub total: u64,
}

/// What a comparison of a file with its recorded block digests found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct VerifyReport {
    /// The job.
    pub id: i64,
    /// The file that was read.
    pub path: String,
    /// Bytes in one block.
    pub block_size: u64,
    /// Bytes that have a recorded digest and were compared.
    pub compared: u64,
    /// Bytes of the whole file; `None` while unknown.
    pub length: Option<u64>,
    /// The blocks that are not as they came, in the order of the file.
    pub damaged: Vec<DamagedBlock>,
}

/// A stretch of a file that is not as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DamagedBlock {
    /// Offset of its first byte.
    pub start: u64,
    /// Offset behind its last byte.
    pub end: u64,
}

/// Files beside a download that tell its checksum.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ChecksumOffers {
    /// What was found, the surest first.
    pub offers: Vec<ChecksumOffer>,
}

/// A checksum that a file beside a download tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ChecksumOffer {
    /// Address of that file, secrets hidden.
    pub source: String,
    /// `algorithm:hex`; `None` for a detached signature, which is only named.
    pub checksum: Option<String>,
}
