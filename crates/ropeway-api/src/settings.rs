//! The user's settings, kept as TOML in the config folder.

use ropeway_model::OnConflict;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// All settings; a missing one has its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export)]
pub struct Settings {
    /// Where downloads go unless a job says otherwise; absolute.
    pub download_folder: String,
    /// Jobs that may run at once, 1 to 64.
    pub running_jobs: u8,
    /// Connections of a download that does not choose, 1 to 64.
    pub connections: u8,
    /// Bytes a second of all downloads together.
    pub download_limit: Option<u64>,
    /// Bytes a second of all uploads together.
    pub upload_limit: Option<u64>,
    /// What happens where a file of the wanted name exists.
    pub on_conflict: OnConflictView,
    /// Colours.
    pub theme: Theme,
    /// Whether finished and failed jobs are announced.
    pub notifications: bool,
    /// Whether the user has been told that closing the window keeps Ropeway running.
    pub told_about_tray: bool,
}

/// What happens where a file of the wanted name exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
#[expect(missing_docs, reason = "each is the model's choice of the same name")]
pub enum OnConflictView {
    #[default]
    Rename,
    Overwrite,
    Fail,
}

/// Colours of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Theme {
    /// As the desktop says.
    #[default]
    System,
    /// Dark text on light ground.
    Light,
    /// Light text on dark ground.
    Dark,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            download_folder: String::new(),
            running_jobs: 4,
            connections: 8,
            download_limit: None,
            upload_limit: None,
            on_conflict: OnConflictView::Rename,
            theme: Theme::System,
            notifications: true,
            told_about_tray: false,
        }
    }
}

impl From<OnConflictView> for OnConflict {
    fn from(choice: OnConflictView) -> Self {
        match choice {
            OnConflictView::Rename => Self::Rename,
            OnConflictView::Overwrite => Self::Overwrite,
            OnConflictView::Fail => Self::Fail,
        }
    }
}
