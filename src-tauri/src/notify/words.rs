//! What notifications say.

use std::collections::BTreeMap;

use ropeway_api::view::FailureView;
use serde::{Deserialize, Serialize};

use super::announce::Hindrance;
use crate::language::are_said_within;

/// Longest sentence of a notification, in characters.
const LONGEST: usize = 300;
/// Most failures that have sentences of their own; there are some fifty.
const EXPLAINED_MAXIMUM: usize = 200;
const WHAT_PLACE: &str = "{what}";
const NAME_PLACE: &str = "{name}";
const HOST_PLACE: &str = "{host}";
/// Stands between the parts of a sum.
const BETWEEN: &str = " · ";

/// The words of notifications in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoticeWords {
    /// Joins what happened and a name or number, `{what}` and `{name}`.
    titled: String,
    pub(crate) downloaded: String,
    pub(crate) uploaded: String,
    pub(crate) failed: String,
    link_expired: String,
    no_room: String,
    name_taken: String,
    /// With `{host}` in it.
    from: String,
    /// With `{host}` in it.
    to: String,
    all_completed: String,
    all_failed: String,
    all_held_up: String,
    pub(crate) show: String,
    pub(crate) reveal: String,
    pub(crate) retry: String,
    pub(crate) try_now: String,
    pub(crate) keep_both: String,
    pub(crate) still_running: String,
    pub(crate) still_running_more: String,
    pub(crate) clipboard_empty: String,
    pub(crate) clipboard_empty_more: String,
    /// By the code of the failure; what is missing is said in the engine's own words.
    explained: BTreeMap<String, Explanation>,
}

/// A failure in words, with `{host}` where the server's name belongs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Explanation {
    what: String,
    /// `None` where only the engine knows the next step.
    hint: Option<String>,
}

impl NoticeWords {
    /// What happened to whom.
    pub(crate) fn titled(&self, what: &str, name: &str) -> String {
        // The name last: whatever it looks like, nothing is put into it.
        self.titled.replace(WHAT_PLACE, what).replace(NAME_PLACE, name)
    }

    pub(crate) fn from(&self, host: &str) -> String {
        self.from.replace(HOST_PLACE, host)
    }

    pub(crate) fn to(&self, host: &str) -> String {
        self.to.replace(HOST_PLACE, host)
    }

    /// What a job waits for the user with.
    pub(crate) fn held_up(&self, by: Hindrance) -> &str {
        match by {
            Hindrance::LinkExpired => &self.link_expired,
            Hindrance::Room => &self.no_room,
            Hindrance::NameTaken => &self.name_taken,
        }
    }

    /// A failure and the next step, as the page says them.
    pub(crate) fn explain(&self, failure: &FailureView, host: &str) -> String {
        let explained = self.explained.get(&failure.code);
        let at_host = |text: &String| text.replace(HOST_PLACE, host);
        let what = explained.map_or_else(|| failure.message.clone(), |explained| at_host(&explained.what));
        let hint =
            explained.and_then(|explained| explained.hint.as_ref()).map_or_else(|| failure.hint.clone(), at_host);
        format!("{what}\n{hint}")
    }

    /// Several ends at once. No sentence, whose words would change with the numbers, in each language otherwise.
    pub(crate) fn sum(&self, completed: usize, failed: usize, held_up: usize) -> String {
        let parts = [(completed, &self.all_completed), (failed, &self.all_failed), (held_up, &self.all_held_up)];
        let told = parts.into_iter().filter(|(count, _)| *count > 0);
        told.map(|(count, what)| self.titled(what, &count.to_string())).collect::<Vec<_>>().join(BETWEEN)
    }

    /// Whether there is room for all of them.
    pub(crate) fn are_sane(&self) -> bool {
        self.explained.len() <= EXPLAINED_MAXIMUM && are_said_within(self, LONGEST)
    }
}

#[cfg(test)]
impl NoticeWords {
    /// As many and as long words as are taken.
    pub(crate) fn longest() -> Self {
        let text = |of: &str| of.repeat(LONGEST);
        let explanation = Explanation { what: text("文"), hint: Some(text("字")) };
        let explained = (0..EXPLAINED_MAXIMUM).map(|code| (format!("{code:0LONGEST$}"), explanation.clone())).collect();
        Self { explained, ..crate::language::Words::default().notices }
    }

    /// These words with a failure explained.
    pub(crate) fn explaining(mut self, code: &str, what: &str, hint: Option<&str>) -> Self {
        let explanation = Explanation { what: what.to_owned(), hint: hint.map(str::to_owned) };
        self.explained.insert(code.to_owned(), explanation);
        self
    }
}
