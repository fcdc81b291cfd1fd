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
    /// Connections to one server over all jobs, 1 to 64.
    pub server_connections: u8,
    /// A proxy for all jobs that name none; `None` follows the system.
    pub proxy: Option<String>,
    /// What happens where a file of the wanted name exists.
    pub on_conflict: OnConflictView,
    /// Colours.
    pub theme: Theme,
    /// Whether finished and failed jobs are announced.
    pub notifications: bool,
    /// Whether the user has been told that closing the window keeps Ropeway running.
    pub told_about_tray: bool,
    /// Other limits at certain hours; the first rule that fits the moment is in force.
    pub schedule: Vec<ScheduleRule>,
    /// What holds for single servers.
    pub servers: Vec<ServerRule>,
}

/// Limits for some hours of some days, in local time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ScheduleRule {
    /// Days on which it begins, 1 Monday to 7 Sunday.
    pub days: Vec<u8>,
    /// Minutes after midnight when it begins, 0 to 1439.
    pub from_minute: u16,
    /// Minutes after midnight when it ends; at or before the beginning it ends on the next day.
    pub to_minute: u16,
    /// Whether nothing moves at all.
    pub pause: bool,
    /// Bytes a second of all downloads together; `None` is no limit.
    pub download_limit: Option<u64>,
    /// Bytes a second of all uploads together; `None` is no limit.
    pub upload_limit: Option<u64>,
}

/// What holds for one server over all jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ServerRule {
    /// Its host name, as in the address; with a leading `.` all names below.
    pub host: String,
    /// Connections to it, 1 to 64; `None` follows the settings.
    pub connections: Option<u8>,
    /// Jobs that may run at once, 1 to 64; `None` follows the settings.
    pub running_jobs: Option<u8>,
    /// Bytes a second of all transfers with it; `None` is no limit of its own.
    pub limit: Option<u64>,
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
    Ask,
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
            server_connections: 16,
            proxy: None,
            download_limit: None,
            upload_limit: None,
            on_conflict: OnConflictView::Rename,
            theme: Theme::System,
            notifications: true,
            told_about_tray: false,
            schedule: Vec::new(),
            servers: Vec::new(),
        }
    }
}

impl From<OnConflictView> for OnConflict {
    fn from(choice: OnConflictView) -> Self {
        match choice {
            OnConflictView::Rename => Self::Rename,
            OnConflictView::Overwrite => Self::Overwrite,
            OnConflictView::Fail => Self::Fail,
            OnConflictView::Ask => Self::Ask,
        }
    }
}
