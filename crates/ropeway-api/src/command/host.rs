//! Calls that the desktop answers.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What the desktop's dialog asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum PickKind {
    /// One or more files.
    Files,
    /// One folder.
    Folder,
}

/// A dialog to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct HostPick {
    /// What it asks for.
    pub kind: PickKind,
}

/// What the user picked; empty when the dialog was dismissed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Picked {
    /// Absolute paths.
    pub paths: Vec<String>,
}
