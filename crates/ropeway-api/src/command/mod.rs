//! Every call a shell can make: its name, what it takes, what it gives back. One table; the Rust dispatch and the
//! TypeScript types both come from it.

mod add;
mod change;
mod host;
mod job;
mod target;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use add::{ALREADY_ADDED, Added, JobAdd, JobOptions, LEFT_OUT, Refusal, ReuseView, UploadAdd};
pub use change::{JobAnswer, JobChange, JobMove, JobRemove, JobRenew, Removed};
pub use host::{HostPick, PickKind, Picked};
pub use job::{Found, FoundJob, FullAddress, JobFind, JobNumber, Jobs};
pub use target::{TargetNumber, TargetSave};

use crate::settings::Settings;
#[cfg(test)]
use crate::view::{ChecksumOffers, JobDetail, Servers, Snapshot, TargetView, VerifyReport};

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
