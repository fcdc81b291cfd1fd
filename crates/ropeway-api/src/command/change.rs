//! Calls that change jobs of the list.

use ropeway_model::ConnectionChoice;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{settings::OnConflictView, view::PriorityView};

/// Jobs to take off the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobRemove {
    /// Their numbers.
    pub ids: Vec<i64>,
    /// Whether finished downloads are deleted from the disk too, as long as they are the files that were saved.
    #[serde(default)]
    pub delete_files: bool,
}

/// What to change about jobs; a field that is left out stays as it is, `null` takes the value away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export)]
pub struct JobChange {
    /// Their numbers.
    pub ids: Vec<i64>,
    /// The jobs' own limit in bytes a second.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[ts(optional, type = "number | null")]
    pub rate_limit: Option<Option<u64>>,
    /// Connections, 1 to 64 or `"auto"`; `null` follows the settings.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[ts(optional, type = "number | \"auto\" | null")]
    pub connections: Option<Option<ConnectionChoice>>,
    /// Urgency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub priority: Option<PriorityView>,
    /// Unix time in milliseconds before which the jobs are not started.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[ts(optional, type = "number | null")]
    pub start_at_ms: Option<Option<i64>>,
    /// `algorithm:hex` the finished file must have, or several with spaces between them; only for a single job that is not
    /// complete. One that failed for another checksum is compared again, and nothing of it is fetched.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[ts(optional, type = "string | null")]
    pub checksum: Option<Option<String>>,
}

/// A new link for a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobRenew {
    /// The job.
    pub id: i64,
    /// Where the same file is now.
    pub url: String,
}

/// What becomes of a complete download whose name is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobAnswer {
    /// The job.
    pub id: i64,
    /// Whether it gets a number behind its name, replaces the file, or fails; not `ask` again.
    pub choice: OnConflictView,
}

/// Reads a field that is there, so that `null` differs from a field left out.
#[expect(clippy::option_option, reason = "left out, null, and a value are three things")]
fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Jobs to move in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobMove {
    /// Their numbers, in the order they are to have.
    pub ids: Vec<i64>,
    /// The job they go before; `None` is the end of the list.
    pub before: Option<i64>,
}

/// Jobs were taken off the list, durably.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Removed {
    /// How many.
    pub changed: u32,
    /// Files that were to be deleted and stay, since something else has their names by now.
    #[serde(default)]
    pub kept: Vec<String>,
}
