//! What the tray and the notifications say. The window's page tells it in the user's language, and it is kept: after a
//! start into the tray there is no page that could tell it again.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{kept, notify::words::NoticeWords, tray::words::TrayWords};

const FILE: &str = "words.json";
/// Longest file that is read, in bytes: the most words that are taken have some 500 KB, those of a language some 20 KB.
const FILE_MAXIMUM: u64 = 1 << 20;
/// The page's own words in English; a test of the page holds the two together.
const ENGLISH: &str = include_str!("en.json");

/// The shell's words in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    pub(crate) tray: TrayWords,
    pub(crate) notices: NoticeWords,
}

impl Words {
    fn are_sane(&self) -> bool {
        self.tray.are_sane() && self.notices.are_sane()
    }
}

/// English, until a page has told others.
impl Default for Words {
    fn default() -> Self {
        serde_json::from_str(ENGLISH).expect("the English words that are built in are all there")
    }
}

/// Whether every one of these texts says something, in at most so many characters.
pub(crate) fn are_said_within(words: &impl Serialize, longest: usize) -> bool {
    serde_json::to_value(words).is_ok_and(|words| is_said(&words, longest))
}

fn is_said(words: &Value, longest: usize) -> bool {
    let is_text = |text: &str| !text.trim().is_empty() && text.chars().count() <= longest;
    match words {
        Value::String(text) => is_text(text),
        Value::Object(inner) => inner.iter().all(|(key, inner)| is_text(key) && is_said(inner, longest)),
        // A hint that is left to the engine; there are no others.
        _ => words.is_null(),
    }
}

/// The words in force, kept in `words.json` of the config folder.
#[derive(Debug)]
pub(crate) struct KeptWords {
    file: PathBuf,
    now: Mutex<Arc<Words>>,
}

impl KeptWords {
    /// Reads what an earlier run kept; a missing or damaged file is English.
    pub(crate) fn open(config_folder: &Path) -> Self {
        let file = config_folder.join(FILE);
        let now = kept::read(&file, FILE_MAXIMUM).filter(Words::are_sane).unwrap_or_default();
        Self { file, now: Mutex::new(Arc::new(now)) }
    }

    /// The words in force.
    pub(crate) fn now(&self) -> Arc<Words> {
        Arc::clone(&self.now.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes and keeps other words; `false` if they are the same, or there is no room for them.
    pub(crate) fn change(&self, words: Words) -> bool {
        if !words.are_sane() {
            tracing::warn!("the page told no words for the tray and the notifications");
            return false;
        }
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if **now == words {
            return false;
        }
        if let Err(cause) = kept::write(&self.file, &words) {
            tracing::warn!(%cause, file = %self.file.display(), "the language of the tray cannot be kept");
        }
        *now = Arc::new(words);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn german() -> Words {
        let mut words = Words::default();
        words.tray.quit = "Beenden".to_owned();
        words.notices.retry = "Wiederholen".to_owned();
        words
    }

    #[test]
    fn words_that_a_page_told_are_there_after_a_start_without_one() {
        let folder = tempfile::tempdir().unwrap();
        let first = KeptWords::open(folder.path());
        assert_eq!(*first.now(), Words::default());
        assert!(first.change(german()));
        assert!(!first.change(german()), "nothing has to be said anew");
        assert_eq!(*KeptWords::open(folder.path()).now(), german());
    }

    #[test]
    fn the_most_words_that_are_taken_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let most = Words { notices: NoticeWords::longest(), ..german() };
        assert!(KeptWords::open(folder.path()).change(most.clone()));
        assert_eq!(*KeptWords::open(folder.path()).now(), most);
    }

    #[test]
    fn what_there_is_no_room_for_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let words = KeptWords::open(folder.path());
        for text in [String::new(), " ".to_owned(), "x".repeat(1000)] {
            let (mut tray, mut notices) = (german(), german());
            tray.tray.quit.clone_from(&text);
            notices.notices.retry = text;
            assert!(!words.change(tray) && !words.change(notices));
        }
        assert_eq!(*words.now(), Words::default());
        assert!(!folder.path().join(FILE).exists());
    }
}
