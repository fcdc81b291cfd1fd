//! What of the settings' file cannot be used, and whether it may be done without.

use ropeway_model::FailureCode;
use serde_json::{Map, Value as Json};

use super::text::Unread;
use crate::view::NoticeView;

/// Settings that protect the user: his address, his traffic, his hours. Nothing moves while one of them is not known.
const PROTECTING: [&str; 5] = ["proxy", "download_limit", "upload_limit", "schedule", "servers"];
/// What a line that cannot be read, or a key that is not known, may be about, if it is about one of those.
const PROTECTING_WORDS: [&str; 5] = ["proxy", "limit", "schedule", "server", "pause"];

/// Something in the file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// The setting, where one is named.
    pub(super) key: Option<String>,
    /// Where; `None` for the file as a whole.
    line: Option<usize>,
    kind: Kind,
    /// What is wrong, without a value of the file.
    reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nothing moves without it.
    Protecting,
    /// Its default does no harm.
    Harmless,
    /// This version does not know it.
    Unknown,
    /// The file says nothing any more, and what was in force goes on.
    Held,
    /// The file is there and says nothing.
    Blank,
}

/// Whether one of those that protect has another value than its default.
pub(super) fn protects(fields: &Map<String, Json>, defaults: &Map<String, Json>) -> bool {
    PROTECTING.iter().any(|key| fields.get(*key) != defaults.get(*key))
}

/// Whether a word of it is one of protection.
fn is_about_protection(text: &str) -> bool {
    let text = text.to_lowercase();
    PROTECTING_WORDS.iter().any(|word| text.contains(word))
}

impl Flaw {
    /// The whole file.
    pub(super) fn of_file(reason: String) -> Self {
        Self { key: None, line: None, kind: Kind::Protecting, reason }
    }

    /// A file that is gone or blank while settings of it protect: they hold for as long as this process lives.
    pub(super) fn of_held(is_blank: bool) -> Self {
        let reason = if is_blank { "it is blank" } else { "it is gone" }.to_owned();
        Self { key: None, line: None, kind: Kind::Held, reason }
    }

    /// A file without a word, as an editor or a crash leaves it.
    pub(super) fn of_blank() -> Self {
        Self { key: None, line: None, kind: Kind::Blank, reason: "it is blank".to_owned() }
    }

    /// A stretch that is no TOML.
    pub(super) fn of_text(unread: Unread) -> Self {
        let Unread { line, key, text, reason } = unread;
        let kind = if is_about_protection(&text) { Kind::Protecting } else { Kind::Harmless };
        Self { key, line: Some(line), kind, reason }
    }

    /// A value that cannot be used.
    pub(super) fn of_value(key: &str, line: usize, reason: String) -> Self {
        let kind = if PROTECTING.contains(&key) { Kind::Protecting } else { Kind::Harmless };
        Self { key: Some(key.to_owned()), line: Some(line), kind, reason }
    }

    /// A key that this version does not know: a slip in one that protects leaves the user without what he wrote.
    pub(super) fn of_unknown(key: &str, line: usize, near: Option<&str>) -> Self {
        let reason = near.map_or_else(
            || "this version has no such setting".to_owned(),
            |near| format!("this version has no such setting; '{near}' may be meant"),
        );
        let is_protecting = near.map_or_else(|| is_about_protection(key), |near| PROTECTING.contains(&near));
        let kind = if is_protecting { Kind::Protecting } else { Kind::Unknown };
        Self { key: Some(key.to_owned()), line: Some(line), kind, reason }
    }

    /// Whether nothing moves before it is mended.
    pub(crate) fn is_blocking(&self) -> bool {
        self.kind == Kind::Protecting
    }

    /// Whether the settings in force are not in the file, and nothing else is.
    pub(super) fn is_held(&self) -> bool {
        self.kind == Kind::Held
    }

    /// Whether there is nothing in the file that is worth keeping.
    pub(super) fn is_blank(&self) -> bool {
        self.kind == Kind::Blank
    }

    /// What the user is told.
    pub(super) fn notice(&self, path: &std::path::Path) -> NoticeView {
        let place = self.line.map(|line| format!(", line {line}")).unwrap_or_default();
        let key = self.key.as_deref().map(|key| format!("{}: ", key.escape_default())).unwrap_or_default();
        let (message, hint) = match self.kind {
            Kind::Protecting => {
                ("nothing is transferred", "Correct it there, or set it anew in the settings; the old file is kept.")
            }
            Kind::Harmless if self.key.is_none() => ("nothing of it is used", "Correct it there, or take it out."),
            Kind::Harmless => ("its default is used", "Correct it there, or set it anew in the settings."),
            Kind::Unknown => ("it is left alone", "Check how it is spelt, or update Ropeway."),
            Kind::Held => (
                "proxy, limits and schedule stay as they were until Ropeway is started again",
                "Change any setting to write them all there again, or take them out in the settings.",
            ),
            Kind::Blank => (
                "there is no proxy, no limit and no schedule",
                "Set them anew if there were any; otherwise delete the file.",
            ),
        };
        NoticeView {
            code: FailureCode::StateFailed.code().to_owned(),
            message: format!("{}{place}: {key}{}; {message}", path.display(), self.reason),
            hint: hint.to_owned(),
            is_blocking: self.is_blocking(),
        }
    }
}
