//! Calls about saved upload targets.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A target to save.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct TargetSave {
    /// The saved target that changes; `None` saves a new one.
    #[serde(default)]
    pub id: Option<i64>,
    /// A name for the user.
    pub name: String,
    /// `https://host/folder/`, `tus+https://host/files/` or `form+https://host/path#field=file`; empty keeps that of the target that changes.
    pub address: String,
}

/// One saved target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TargetNumber {
    /// Its number.
    pub id: i64,
}
