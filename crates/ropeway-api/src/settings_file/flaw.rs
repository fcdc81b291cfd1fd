//! What of the settings' file cannot be used, and whether it may be done without.

use ropeway_model::FailureCode;

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

    /// What the user is told.
    pub(super) fn notice(&self, path: &std::path::Path) -> NoticeView {
        let place = self.line.map(|line| format!(", line {line}")).unwrap_or_default();
        let key = self.key.as_deref().map(|key| format!("{}: ", key.escape_default())).unwrap_or_default();
        let (message, hint) = match self.kind {
            Kind::Protecting => {
                ("nothing is transferred", "Correct it there, or set it anew in the settings; the old file is kept.")
            }
            Kind::Harmless => ("its default is used", "Correct it there, or set it anew in the settings."),
            Kind::Unknown => ("it is left alone", "Check how it is spelt, or update Ropeway."),
        };
        NoticeView {
            code: FailureCode::StateFailed.code().to_owned(),
            message: format!("{}{place}: {key}{}; {message}", path.display(), self.reason),
            hint: hint.to_owned(),
            is_blocking: self.is_blocking(),
        }
    }
}
