//! The user's settings, kept as TOML in the config folder.

use ropeway_model::{ConnectionChoice, OnConflict, SafeUrl};
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
    /// Connections of a download that does not choose, 1 to 64; `"auto"` is as many as its line is worth.
    #[ts(type = "number | \"auto\"")]
    pub connections: ConnectionChoice,
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
#[serde(deny_unknown_fields)]
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
#[serde(deny_unknown_fields)]
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

/// What stands in for a password.
const HIDDEN: &str = "********";

/// A proxy whose password was not shown and is wanted for another server or user.
#[derive(Debug, thiserror::Error)]
#[error("the proxy's password is not shown: write it again for another proxy or user")]
pub(crate) struct HiddenPassword;

impl Settings {
    /// The settings as shells see them: without the proxy's password.
    pub(crate) fn shown(&self) -> Self {
        Self { proxy: self.proxy.as_deref().map(without_password), ..self.clone() }
    }

    /// The settings that a shell wants, which was shown `current`: a password that it did not see stays what it was.
    ///
    /// # Errors
    /// [`HiddenPassword`] where it would go to another proxy.
    pub(crate) fn with_password_of(self, current: &Self) -> Result<Self, HiddenPassword> {
        let Some(proxy) = self.proxy.as_deref().filter(|proxy| has_hidden_password(proxy)) else { return Ok(self) };
        let had = current.proxy.as_deref().filter(|had| {
            let (shown, wanted) = (without_password(had), without_password(proxy));
            shown == wanted || server_of(had).is_some_and(|server| Some(server) == server_of(proxy))
        });
        Ok(Self { proxy: Some(had.ok_or(HiddenPassword)?.to_owned()), ..self })
    }
}

fn without_password(proxy: &str) -> String {
    match proxy.parse::<SafeUrl>() {
        Ok(url) if url.expose().password().is_some() => {
            let mut url = url.expose().clone();
            // It fails only for addresses that can have no password.
            let _ = url.set_password(Some(HIDDEN));
            url.into()
        }
        Ok(_) => proxy.to_owned(),
        // Whatever it is, a password may be in it.
        Err(_) if proxy.contains('@') => HIDDEN.to_owned(),
        Err(_) => proxy.to_owned(),
    }
}

fn has_hidden_password(proxy: &str) -> bool {
    proxy == HIDDEN || proxy.parse::<SafeUrl>().is_ok_and(|url| url.expose().password() == Some(HIDDEN))
}

/// Whom a password is for.
fn server_of(proxy: &str) -> Option<(String, String, Option<u16>, String)> {
    let url: SafeUrl = proxy.parse().ok()?;
    let url = url.expose();
    let host = url.host_str()?.to_owned();
    Some((url.scheme().to_owned(), host, url.port_or_known_default(), url.username().to_owned()))
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            download_folder: String::new(),
            running_jobs: 4,
            connections: ConnectionChoice::Automatic,
            server_connections: 64,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn with(proxy: &str) -> Settings {
        Settings { proxy: Some(proxy.to_owned()), ..Settings::default() }
    }

    #[test]
    fn a_password_is_not_shown_and_is_not_lost_when_settings_come_back() {
        let current = with("http://user:secret@proxy.example:3128");
        let shown = current.shown();
        assert!(!format!("{shown:?}").contains("secret") && shown.proxy.as_deref().unwrap().contains("user"));
        let changed = Settings { running_jobs: 7, ..shown.clone() }.with_password_of(&current).unwrap();
        assert_eq!((changed.proxy.as_ref(), changed.running_jobs), (current.proxy.as_ref(), 7));
        assert!(with("http://user:********@evil.example:3128").with_password_of(&current).is_err());
        assert!(with("http://other:********@proxy.example:3128").with_password_of(&current).is_err());
        assert!(shown.with_password_of(&Settings::default()).is_err());
        let other = with("http://user:new@proxy.example:3128");
        assert_eq!(other.clone().with_password_of(&current).unwrap(), other);
        // The port that the scheme has anyway names the same server.
        let bare = with("https://user:secret@proxy.example");
        let written_out = with("https://user:********@proxy.example:443").with_password_of(&bare).unwrap();
        assert_eq!(written_out.proxy, bare.proxy);
        for plain in ["http://proxy.example:3128", "socks5h://user@proxy.example"] {
            assert_eq!(with(plain).shown(), with(plain));
        }
        assert_eq!(with("user:secret@").shown().proxy.as_deref(), Some(HIDDEN));
    }

    /// Where users read what they may write.
    const DOCUMENTED: &str = include_str!("../../../docs/command-line.md");

    /// Keys with their defaults as the document's tables of settings have them, a table each.
    fn documented() -> Vec<Vec<(String, String)>> {
        let (_, section) = DOCUMENTED.split_once("\n## Settings\n").expect("the document has a section on settings");
        let section = section.split("\n## ").next().unwrap();
        let mut tables: Vec<Vec<(String, String)>> = Vec::new();
        for line in section.lines() {
            let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            match cells[..] {
                ["Key", ..] => tables.push(Vec::new()),
                [key, _, _, default] if key.starts_with('`') => {
                    let [key, default] = [key, default].map(|cell| cell.trim_matches('`').to_owned());
                    tables.last_mut().unwrap().push((key, default));
                }
                _ => {}
            }
        }
        for table in &mut tables {
            table.sort();
        }
        tables
    }

    /// The same of a type.
    fn of(default: &impl Serialize) -> Vec<(String, String)> {
        let serde_json::Value::Object(fields) = serde_json::to_value(default).unwrap() else { panic!("no table") };
        let shown = |value: &serde_json::Value| if value.is_null() { "none".to_owned() } else { value.to_string() };
        let mut rows: Vec<_> = fields.iter().map(|(key, value)| (key.clone(), shown(value))).collect();
        rows.sort();
        rows
    }

    #[test]
    fn the_documents_name_every_key_with_its_default() {
        let mut settings = of(&Settings::default());
        // It is another one on each machine.
        let folder = settings.iter_mut().find(|(key, _)| key == "download_folder").unwrap();
        folder.1 = "the system's folder for downloads".to_owned();
        assert_eq!(documented(), [settings, of(&ScheduleRule::default()), of(&ServerRule::default())]);
    }

    #[test]
    fn the_documents_name_every_choice() {
        let choices = ["rename", "overwrite", "fail", "ask", "system", "light", "dark"];
        let is_all = |choice: OnConflictView, theme: Theme| match (choice, theme) {
            // Another one belongs into the list above and into the document.
            (
                OnConflictView::Rename | OnConflictView::Overwrite | OnConflictView::Fail | OnConflictView::Ask,
                Theme::System | Theme::Light | Theme::Dark,
            ) => true,
        };
        assert!(is_all(OnConflictView::default(), Theme::default()));
        for choice in choices {
            assert!(DOCUMENTED.contains(&format!("`\"{choice}\"`")), "{choice}");
        }
    }
}
