//! Calls that name jobs, and what tells of them.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Some jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Jobs {
    /// Their numbers.
    pub ids: Vec<i64>,
}

/// One job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobNumber {
    /// Its number.
    pub id: i64,
}

/// The addresses of a job in full.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FullAddress {
    /// The URL or path the bytes come from.
    pub source: String,
    /// The folder or URL the bytes go to.
    pub destination: String,
    /// The address after redirects.
    pub final_url: Option<String>,
}

/// Shows none of what it is for.
impl std::fmt::Debug for FullAddress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("FullAddress(…)")
    }
}

/// Addresses that the user is about to add.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobFind {
    /// One URL a line, or a curl command.
    pub text: String,
}

/// Downloads that are on the list already.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Found {
    /// One entry a line and job, in the order of the lines.
    pub found: Vec<FoundJob>,
}

/// A line that names what a job downloads already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FoundJob {
    /// The line, from zero; empty lines and comments are not counted.
    pub line: u32,
    /// The job.
    pub id: i64,
}
