//! What the user should know and what no job tells.

use ropeway_engine::{Pause, QueueDamage};
use ropeway_model::FailureCode;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Something that the user should know and that no job tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct NoticeView {
    /// The code scripts match on.
    pub code: String,
    /// What it is, one sentence, without secrets.
    pub message: String,
    /// The next step, one sentence.
    pub hint: String,
    /// Whether nothing moves for it.
    pub is_blocking: bool,
}

/// Why no job starts at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[ts(export)]
pub enum PauseView {
    /// A rule of the schedule, for as long as the limits in force hold.
    Schedule,
    /// Settings that protect the user cannot be read: see the notices.
    Settings,
    /// The queue's volume takes nothing; it is tried again.
    Unrecorded,
}

impl NoticeView {
    /// What was lost with a damaged queue.
    pub(crate) fn of_damage(damage: &QueueDamage) -> Self {
        Self {
            code: FailureCode::StateFailed.code().to_owned(),
            message: damage.to_string(),
            hint: "Look at the disk's health; add again what is missing.".to_owned(),
            is_blocking: false,
        }
    }
}

impl From<Pause> for PauseView {
    fn from(pause: Pause) -> Self {
        match pause {
            Pause::Held => Self::Settings,
            Pause::Unrecorded => Self::Unrecorded,
            Pause::Schedule => Self::Schedule,
        }
    }
}
