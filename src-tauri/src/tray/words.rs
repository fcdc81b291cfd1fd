//! What the tray says.

use serde::{Deserialize, Serialize};

use crate::language::are_said_within;

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

    /// Whether a menu has room for all of them.
    pub(crate) fn are_sane(&self) -> bool {
        are_said_within(self, LONGEST)
    }
}
