//! Calls that add jobs.

use ropeway_model::{ConnectionChoice, Reuse};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    settings::OnConflictView,
    view::{JobView, PriorityView},
};

/// Worth of a file that has the wanted name already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
#[expect(missing_docs, reason = "each is the model's of the same name")]
pub enum ReuseView {
    #[default]
    Never,
    Same,
    Any,
}

impl ReuseView {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
    const fn is_never(&self) -> bool {
        matches!(self, Self::Never)
    }
}

impl From<ReuseView> for Reuse {
    fn from(reuse: ReuseView) -> Self {
        match reuse {
            ReuseView::Never => Self::Never,
            ReuseView::Same => Self::Same,
            ReuseView::Any => Self::Any,
        }
    }
}

/// Parameters that several ways of adding share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export, optional_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the wire")]
pub struct JobOptions {
    /// The job's own limit in bytes a second.
    pub rate_limit: Option<u64>,
    /// Connections of a download, 1 to 64 or `"auto"`; `None` follows the settings.
    #[ts(optional, type = "number | \"auto\"")]
    pub connections: Option<ConnectionChoice>,
    /// `algorithm:hex` the finished file must have, or several with spaces between them; only with a single file.
    pub checksum: Option<String>,
    /// The algorithm the finished files' digests are taken with: sha256, sha512, sha1, md5, blake3 or crc32c.
    pub digest: Option<String>,
    /// Request headers, each `Name: value`.
    pub headers: Vec<String>,
    /// A login as `user:password`.
    pub login: Option<String>,
    /// A proxy's URL.
    pub proxy: Option<String>,
    /// A PEM file with certificate authorities, absolute.
    pub ca_file: Option<String>,
    /// Urgency.
    pub priority: PriorityView,
    /// What happens where the name is taken; `None` follows the settings.
    pub on_conflict: Option<OnConflictView>,
    /// What a file that has the wanted name already is worth.
    #[serde(skip_serializing_if = "ReuseView::is_never")]
    #[ts(as = "Option<ReuseView>")]
    pub reuse: ReuseView,
    /// Whether saved files keep the time of their arrival instead of getting the one that the server names.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[ts(as = "Option<bool>")]
    pub no_times: bool,
    /// Adds the jobs paused.
    pub paused: bool,
    /// Further addresses of the same file; only with a single URL.
    pub mirrors: Vec<String>,
    /// A file of cookies in Netscape's format, absolute.
    pub cookie_file: Option<String>,
    /// Whether logins of the user's `.netrc` are used.
    pub netrc: bool,
    /// Whether a redirect may lead from https to http.
    pub allow_downgrade: bool,
    /// Unix time in milliseconds before which the jobs are not started.
    pub start_at_ms: Option<i64>,
}

/// The code of an address that needs no new job, because one of the list has its address and destination.
pub const ALREADY_ADDED: &str = "ALREADY_ADDED";
/// The code of something below a folder that is sent which is no regular file, so that nothing of it is missed.
pub const LEFT_OUT: &str = "LEFT_OUT";

/// Downloads to add.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct JobAdd {
    /// One URL a line (empty lines and lines that start with # are skipped), behind a TAB its name, in indented lines
    /// `key=value` its own options as aria2 has them; or curl commands.
    pub text: String,
    /// Where to, absolute; `None` follows the settings.
    #[serde(default)]
    pub folder: Option<String>,
    /// The name to save as; only with a single URL.
    #[serde(default)]
    pub name: Option<String>,
    /// The text of a Metalink document (RFC 5854) instead of `text`: each of its files becomes a job.
    #[serde(default)]
    pub metalink: Option<String>,
    /// Whether addresses are passed over whose file is to come to the same place already, or is there; they are told as
    /// refused with the code `ALREADY_ADDED`. A job of theirs that failed is tried again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[ts(optional, as = "Option<bool>")]
    pub skip_known: bool,
    /// The rest.
    #[serde(default)]
    #[ts(optional = false)]
    pub options: JobOptions,
}

/// Uploads to add.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct UploadAdd {
    /// Files and folders of the engine's machine, absolute.
    pub paths: Vec<String>,
    /// An upload target's address.
    #[serde(default)]
    pub target: Option<String>,
    /// Or a saved target's number.
    #[serde(default)]
    pub target_id: Option<i64>,
    /// The rest.
    #[serde(default)]
    #[ts(optional = false)]
    pub options: JobOptions,
}

/// What was added, and what was not and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Added {
    /// The new rows, durable before this reply.
    pub jobs: Vec<JobView>,
    /// The lines or paths that were refused.
    pub refused: Vec<Refusal>,
}

/// A line or path that became no job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Refusal {
    /// What was given, secrets hidden.
    pub input: String,
    /// The code scripts match on.
    pub code: String,
    /// Why, one sentence.
    pub message: String,
    /// The next step, one sentence.
    pub hint: String,
}
