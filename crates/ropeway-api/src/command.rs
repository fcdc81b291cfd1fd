//! Every call a shell can make: its name, what it takes, what it gives back. One table; the Rust dispatch and the
//! TypeScript types both come from it.

use ropeway_model::Reuse;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[cfg(test)]
use crate::view::{ChecksumOffers, JobDetail, Servers, Snapshot, TargetView, VerifyReport};
use crate::{
    settings::{OnConflictView, Settings},
    view::{JobView, PriorityView},
};

macro_rules! calls {
    ($($(#[doc = $doc:literal])* $name:ident($variant:ident: $params:ty) -> $reply:ty;)*) => {
        /// A call with its parameters.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case", tag = "call", content = "params")]
        pub enum Call {
            $($(#[doc = $doc])* $variant($params),)*
        }

        impl Call {
            /// The names of all calls, in the order of the table.
            pub const NAMES: &[&str] = &[$(stringify!($name),)*];

            /// The call's name on the wire.
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => stringify!($name),)* }
            }
        }

        /// The table of calls as TypeScript: `Calls["job_add"]["params"]`, `Calls["job_add"]["reply"]`.
        #[cfg(test)]
        pub(crate) fn typescript(config: &ts_rs::Config) -> String {
            let mut text = String::new();
            $({
                text.push_str(&format!("  /**\n   *{}\n   */\n", [$($doc,)*].join("\n   *")));
                text.push_str(&format!(
                    "  {}: {{ params: {}; reply: {} }};\n",
                    stringify!($name), <$params as TS>::name(config), <$reply as TS>::name(config),
                ));
            })*
            text
        }
    };
}

calls! {
    /// Everything at once.
    snapshot(Snapshot: Nothing) -> Snapshot;
    /// Adds downloads: one URL a line, or a curl command.
    job_add(JobAdd: JobAdd) -> Added;
    /// Adds uploads of files and of all files below folders.
    upload_add(UploadAdd: UploadAdd) -> Added;
    /// Wishes that jobs stop and keep what they have.
    job_pause(JobPause: Jobs) -> Done;
    /// Wishes that paused jobs go on, and tries failed or waiting ones again now.
    job_resume(JobResume: Jobs) -> Done;
    /// Cancels jobs; what they have is deleted.
    job_cancel(JobCancel: Jobs) -> Done;
    /// Takes jobs off the list; running ones are given up first.
    job_remove(JobRemove: JobRemove) -> Removed;
    /// Pauses every job that is not at its end.
    pause_all(PauseAll: Nothing) -> Done;
    /// Lets every paused job go on.
    resume_all(ResumeAll: Nothing) -> Done;
    /// Changes limit, connections, priority, start or checksum of jobs, running ones included.
    job_change(JobChange: JobChange) -> Done;
    /// Moves jobs to another place in the list.
    job_move(JobMove: JobMove) -> Done;
    /// Gives a download another link to the same file; the bytes it has are kept if they belong to it.
    job_renew(JobRenew: JobRenew) -> Done;
    /// Says what becomes of a complete download whose name is taken.
    job_answer(JobAnswer: JobAnswer) -> Done;
    /// Compares a download's bytes with the block digests that were recorded as they came.
    job_verify(JobVerify: JobNumber) -> VerifyReport;
    /// Compares, and fetches the damaged blocks again.
    job_repair(JobRepair: JobNumber) -> VerifyReport;
    /// Looks beside a download's address for files that tell its checksum.
    checksum_search(ChecksumSearch: JobNumber) -> ChecksumOffers;
    /// What has been learned of servers.
    server_list(ServerList: Nothing) -> Servers;
    /// Takes all completed and canceled jobs off the list; files stay.
    clear_finished(ClearFinished: Nothing) -> Done;
    /// Transfers from the same place to the same place once more, as new jobs; canceled ones leave the list.
    job_again(JobAgain: Jobs) -> Added;
    /// The addresses of a job in full, with their secrets: for the user's own clipboard, never for a list.
    job_address(JobAddress: JobNumber) -> FullAddress;
    /// Downloads on the list from the same addresses as these, before they are added again.
    job_find(JobFind: JobFind) -> Found;
    /// One row's details.
    job_detail(JobDetail: JobNumber) -> JobDetail;
    /// Replaces the settings.
    settings_set(SettingsSet: Settings) -> Settings;
    /// Saves an upload target.
    target_save(TargetSave: TargetSave) -> TargetView;
    /// Forgets a saved upload target.
    target_remove(TargetRemove: TargetNumber) -> Done;
    /// Asks the user for files, or for one folder, with the desktop's own dialog.
    host_pick(HostPick: HostPick) -> Picked;
    /// Opens a finished file with the program that the desktop has for it.
    host_open(HostOpen: JobNumber) -> Done;
    /// Shows a job's file in its folder.
    host_reveal(HostReveal: JobNumber) -> Done;
}

/// No parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Nothing {}

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
    /// Connections of a download, 1 to 64; `None` is automatic.
    pub connections: Option<u8>,
    /// `algorithm:hex` the finished file must have; only with a single file.
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

/// Some jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Jobs {
    /// Their numbers.
    pub ids: Vec<i64>,
}

/// One job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobNumber {
    /// Its number.
    pub id: i64,
}

/// The addresses of a job in full.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FullAddress {
    /// The URL or path the bytes come from.
    pub source: String,
    /// The folder or URL the bytes go to.
    pub destination: String,
    /// The address after redirects.
    pub final_url: Option<String>,
}

/// Shows none of what it is for.
impl std::fmt::Debug for FullAddress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("FullAddress(…)")
    }
}

/// Addresses that the user is about to add.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobFind {
    /// One URL a line, or a curl command.
    pub text: String,
}

/// Downloads that are on the list already.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Found {
    /// One entry a line and job, in the order of the lines.
    pub found: Vec<FoundJob>,
}

/// A line that names what a job downloads already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FoundJob {
    /// The line, from zero; empty lines and comments are not counted.
    pub line: u32,
    /// The job.
    pub id: i64,
}

/// Jobs to take off the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobRemove {
    /// Their numbers.
    pub ids: Vec<i64>,
    /// Whether finished downloads are deleted from the disk too, as long as they are the files that were saved.
    #[serde(default)]
    pub delete_files: bool,
}

/// What to change about jobs; a field that is left out stays as it is, `null` takes the value away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export)]
pub struct JobChange {
    /// Their numbers.
    pub ids: Vec<i64>,
    /// The jobs' own limit in bytes a second.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[ts(optional, type = "number | null")]
    pub rate_limit: Option<Option<u64>>,
    /// Connections, 1 to 64.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[ts(optional, type = "number | null")]
    pub connections: Option<Option<u8>>,
    /// Urgency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub priority: Option<PriorityView>,
    /// Unix time in milliseconds before which the jobs are not started.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[ts(optional, type = "number | null")]
    pub start_at_ms: Option<Option<i64>>,
    /// `algorithm:hex` the finished file must have; only for a single job that is not complete.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[ts(optional, type = "string | null")]
    pub checksum: Option<Option<String>>,
}

/// A new link for a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobRenew {
    /// The job.
    pub id: i64,
    /// Where the same file is now.
    pub url: String,
}

/// What becomes of a complete download whose name is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobAnswer {
    /// The job.
    pub id: i64,
    /// Whether it gets a number behind its name, replaces the file, or fails; not `ask` again.
    pub choice: OnConflictView,
}

/// Reads a field that is there, so that `null` differs from a field left out.
#[expect(clippy::option_option, reason = "left out, null, and a value are three things")]
fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Jobs to move in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobMove {
    /// Their numbers, in the order they are to have.
    pub ids: Vec<i64>,
    /// The job they go before; `None` is the end of the list.
    pub before: Option<i64>,
}

/// A target to save.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct TargetSave {
    /// The saved target that changes; `None` saves a new one.
    #[serde(default)]
    pub id: Option<i64>,
    /// A name for the user.
    pub name: String,
    /// `https://host/folder/` or `form+https://host/path#field=file`; empty keeps that of the target that changes.
    pub address: String,
}

/// One saved target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TargetNumber {
    /// Its number.
    pub id: i64,
}

/// What the desktop's dialog asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum PickKind {
    /// One or more files.
    Files,
    /// One folder.
    Folder,
}

/// A dialog to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct HostPick {
    /// What it asks for.
    pub kind: PickKind,
}

/// What the user picked; empty when the dialog was dismissed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Picked {
    /// Absolute paths.
    pub paths: Vec<String>,
}

/// Jobs were taken off the list, durably.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Removed {
    /// How many.
    pub changed: u32,
    /// Files that were to be deleted and stay, since something else has their names by now.
    #[serde(default)]
    pub kept: Vec<String>,
}

/// The call was carried out and what it changed is durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Done {
    /// How many jobs or targets it changed.
    pub changed: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes the table beside the types that ts-rs writes; the drift check compares the whole folder.
    #[test]
    fn export_calls() {
        let config = ts_rs::Config::from_env();
        let table = typescript(&config);
        let mut names: Vec<&str> = table
            .split(|character: char| !character.is_ascii_alphanumeric())
            .filter(|word| word.starts_with(|first: char| first.is_ascii_uppercase()))
            .filter(|word| table.contains(&format!("params: {word};")) || table.contains(&format!("reply: {word} ")))
            .collect();
        names.sort_unstable();
        names.dedup();
        let imports: String =
            names.iter().map(|name| format!("import type {{ {name} }} from \"./{name}\";\n")).collect();
        let text = format!(
            "// This file was generated by ropeway-api from its table of calls. Do not edit this file manually.\n{imports}\n/** Every call of the engine: its parameters and its reply. */\nexport interface Calls {{\n{table}}}\n"
        );
        let folder = std::env::var("TS_RS_EXPORT_DIR").expect("set in .cargo/config.toml");
        std::fs::create_dir_all(&folder).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a generated source file")]
        std::fs::write(std::path::Path::new(&folder).join("Calls.ts"), text).unwrap();
    }

    #[test]
    fn a_change_tells_null_from_a_field_left_out() {
        let change: JobChange = serde_json::from_str(r#"{"ids":[1],"rate_limit":null}"#).unwrap();
        assert_eq!((change.rate_limit, change.connections), (Some(None), None));
        assert_eq!(serde_json::to_string(&change).unwrap(), r#"{"ids":[1],"rate_limit":null}"#);
    }

    #[test]
    fn calls_are_named_as_in_the_table() {
        let call: Call = serde_json::from_str(r#"{"call":"job_pause","params":{"ids":[3]}}"#).unwrap();
        assert_eq!(call.name(), "job_pause");
        assert!(Call::NAMES.contains(&"host_pick"));
    }
}
