//! What the tray says. The window's page tells it in the user's language, and it is kept: after a start into the tray
//! there is no page that could tell it again.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::kept;

const FILE: &str = "tray.json";
/// Longest words that a menu has room for, in characters.
const LONGEST: usize = 80;
/// Where the limit stands in the first line of the limit's menu.
const LIMIT_PLACE: &str = "{limit}";

/// The tray's words in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrayWords {
    pub(crate) show: String,
    pub(crate) add: String,
    pub(crate) pause_all: String,
    pub(crate) resume_all: String,
    pub(crate) limit: String,
    /// The first line of the limit's menu, with `{limit}` in it.
    now: String,
    pub(crate) no_limit: String,
    pub(crate) idle: String,
    pub(crate) quit: String,
}

impl TrayWords {
    /// The first line of the limit's menu.
    pub(crate) fn now(&self, limit: &str) -> String {
        self.now.replace(LIMIT_PLACE, limit)
    }

    fn is_sane(&self) -> bool {
        let Self { show, add, pause_all, resume_all, limit, now, no_limit, idle, quit } = self;
        [show, add, pause_all, resume_all, limit, now, no_limit, idle, quit]
            .iter()
            .all(|text| !text.trim().is_empty() && text.chars().count() <= LONGEST)
    }
}

/// English, until a page has told others.
impl Default for TrayWords {
    fn default() -> Self {
        Self {
            show: "Show Ropeway".to_owned(),
            add: "Add from clipboard".to_owned(),
            pause_all: "Pause all".to_owned(),
            resume_all: "Resume all".to_owned(),
            limit: "Download limit".to_owned(),
            now: format!("Now: {LIMIT_PLACE}"),
            no_limit: "No limit".to_owned(),
            idle: "Nothing is moving".to_owned(),
            quit: "Quit".to_owned(),
        }
    }
}

/// The words in force, kept in `tray.json` of the config folder.
#[derive(Debug)]
pub(crate) struct KeptWords {
    file: PathBuf,
    now: Mutex<TrayWords>,
}

impl KeptWords {
    /// Reads what an earlier run kept; a missing or damaged file is English.
    pub(crate) fn open(config_folder: &Path) -> Self {
        let file = config_folder.join(FILE);
        let now = kept::read(&file).filter(TrayWords::is_sane).unwrap_or_default();
        Self { file, now: Mutex::new(now) }
    }

    /// The words in force.
    pub(crate) fn now(&self) -> TrayWords {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes and keeps other words; `false` if they are the same, or no words for a menu.
    pub(crate) fn change(&self, words: TrayWords) -> bool {
        if !words.is_sane() {
            tracing::warn!("the page told no words for the tray");
            return false;
        }
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if *now == words {
            return false;
        }
        *now = words;
        if let Err(cause) = kept::write(&self.file, &*now) {
            tracing::warn!(%cause, file = %self.file.display(), "the tray's language cannot be kept");
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn german() -> TrayWords {
        TrayWords { quit: "Beenden".to_owned(), now: "Jetzt: {limit}".to_owned(), ..TrayWords::default() }
    }

    #[test]
    fn words_that_a_page_told_are_there_after_a_start_without_one() {
        let folder = tempfile::tempdir().unwrap();
        let first = KeptWords::open(folder.path());
        assert_eq!(first.now(), TrayWords::default());
        assert!(first.change(german()));
        assert!(!first.change(german()), "nothing has to be said anew");
        let second = KeptWords::open(folder.path());
        assert_eq!((second.now(), second.now().now("5 MB/s").as_str()), (german(), "Jetzt: 5 MB/s"));
    }

    #[test]
    fn what_no_menu_has_room_for_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let words = KeptWords::open(folder.path());
        for quit in [String::new(), " ".to_owned(), "x".repeat(LONGEST + 1)] {
            assert!(!words.change(TrayWords { quit, ..german() }));
        }
        assert_eq!(words.now(), TrayWords::default());
        assert!(!folder.path().join(FILE).exists());
    }
}
