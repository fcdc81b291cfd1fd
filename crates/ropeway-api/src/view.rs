//! What a shell shows: plain values, secrets left out, units in the names.

mod from_model;
mod notice;
mod proof;
mod server;

use ropeway_model::ConnectionChoice;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use self::{
    notice::{NoticeView, PauseView},
    proof::{ChecksumOffer, ChecksumOffers, DamagedBlock, ProofProgress, ProofStage, VerifyReport},
    server::{ServerView, Servers},
};
use crate::settings::Settings;

/// Everything at once: where a shell starts, and where it starts again after it missed an event.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Snapshot {
    /// Number of the last batch that this snapshot already contains.
    pub seq: u64,
    /// Version of the engine.
    pub version: String,
    /// All jobs in the order of the list.
    pub jobs: Vec<JobView>,
    /// Sums over all jobs.
    pub totals: Totals,
    /// The settings in force.
    pub settings: Settings,
    /// The saved upload targets in the order of their names.
    pub targets: Vec<TargetView>,
    /// What this host can do beside moving bytes.
    pub host: HostCapability,
    /// What the user should know of the settings' file and of the queue.
    #[serde(default)]
    pub notices: Vec<NoticeView>,
}

/// Which way the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
#[expect(missing_docs, reason = "each is the model's direction of the same name")]
pub enum DirectionView {
    Download,
    Upload,
}

/// What the user wants of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
#[expect(missing_docs, reason = "each is the model's wish of the same name")]
pub enum WishView {
    Run,
    Pause,
    Cancel,
}

/// Urgency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
#[expect(missing_docs, reason = "each is the model's priority of the same name")]
pub enum PriorityView {
    Low,
    #[default]
    Normal,
    High,
}

/// What a job is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[ts(export)]
#[expect(missing_docs, reason = "each is the model's phase of the same name")]
pub enum PhaseView {
    Queued,
    Probing,
    Running,
    Waiting {
        /// Unix time in milliseconds of the next try.
        until_ms: i64,
        /// Failed tries in a row.
        attempt: u32,
        /// Why the last one failed.
        cause: FailureView,
    },
    Blocked {
        by: BlockerView,
        failure: FailureView,
    },
    LinkExpired {
        failure: FailureView,
    },
    Paused,
    Verifying,
    Completed,
    Canceled,
    Failed {
        failure: FailureView,
    },
}

/// What stands in a job's way until it goes on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum BlockerView {
    /// No network.
    Network,
    /// No room on the volume.
    Room,
    /// The name is taken: the user is asked, see the call `job_answer`.
    NameTaken,
}

/// Why a job stopped, with the user's next step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FailureView {
    /// The code scripts match on, such as `NETWORK_REFUSED`.
    pub code: String,
    /// What happened and where, one sentence, without secrets.
    pub message: String,
    /// The next step, one sentence.
    pub hint: String,
    /// The HTTP status that the server answered, where that was the reason.
    pub status: Option<u16>,
    /// Whether the bytes already saved stay useful.
    pub can_resume: bool,
}

/// How a finished job was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum VerificationView {
    /// The digest equals the one the user gave.
    ChecksumGiven,
    /// The digest equals the one the other side computed.
    ChecksumOfServer,
    /// As many bytes as the other side announced, or says it has of an upload when it is asked.
    Length,
    /// The other side announced nothing to compare with, or does not say what it has of an upload: it was sent, no more.
    Unverified,
}

/// One row of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobView {
    /// The job's number.
    pub id: i64,
    /// Which way the bytes go.
    pub direction: DirectionView,
    /// The file's name.
    pub name: String,
    /// The URL (secrets hidden) or path the bytes come from.
    pub source: String,
    /// The folder or URL (secrets hidden) the bytes go to.
    pub destination: String,
    /// The server's host and port.
    pub host: String,
    /// The finished or source file on this machine, once it exists.
    pub path: Option<String>,
    /// Address of an upload at its server, secrets hidden. `None` until it says so, and for downloads.
    pub stored_at: Option<String>,
    /// What the user wants.
    pub wish: WishView,
    /// What the job is doing.
    pub phase: PhaseView,
    /// How far it is.
    pub progress: JobProgress,
    /// The job's own limit in bytes a second.
    pub rate_limit: Option<u64>,
    /// Connections that were chosen for it; `None` follows the settings.
    #[ts(type = "number | \"auto\" | null")]
    pub connections: Option<ConnectionChoice>,
    /// Urgency.
    pub priority: PriorityView,
    /// Unix time in milliseconds before which the job is not started.
    pub start_at_ms: Option<i64>,
    /// Place in the list; smaller is earlier.
    pub position: i64,
    /// Unix time in milliseconds.
    pub created_ms: i64,
    /// Unix time in milliseconds of completion.
    pub finished_ms: Option<i64>,
    /// `algorithm:hex` of the finished file.
    pub digest: Option<String>,
    /// How the finished file was proved.
    pub verification: Option<VerificationView>,
    /// What the last comparison of the file with its block digests found damaged, until it is repaired.
    pub damage: Option<DamageView>,
}

/// Damage of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DamageView {
    /// Stretches that are not as they came.
    pub blocks: u64,
    /// Bytes in them.
    pub bytes: u64,
}

/// How far a job is: the part of a row that changes several times a second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobProgress {
    /// The job's number.
    pub id: i64,
    /// Bytes of the whole file; `None` while unknown.
    pub length: Option<u64>,
    /// Bytes received or sent.
    pub moved: u64,
    /// Bytes that are durably on disk (download) or acknowledged by the server (upload); never more than `moved`.
    pub durable: u64,
    /// Bytes a second over the last seconds.
    pub rate: u64,
    /// Seconds to the end at this rate; `None` while unknown.
    pub seconds_left: Option<u64>,
    /// Connections that were answered and are held for more: those that wait for a limit are among them.
    pub active_connections: u16,
}

/// Sums over all jobs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Totals {
    /// Bytes a second of all downloads.
    pub download_rate: u64,
    /// Bytes a second of all uploads.
    pub upload_rate: u64,
    /// Jobs that are probing, running or verifying.
    pub active: u32,
    /// Jobs that are queued or wait for their next try.
    pub waiting: u32,
    /// Share of the bytes of all active jobs that has been moved, 0 to 1; `None` when nothing is active or a length is unknown.
    pub fraction: Option<f64>,
    /// Why no job starts at all; `None` where jobs do.
    #[serde(default)]
    pub pause: Option<PauseView>,
    /// The limits in force.
    #[serde(default)]
    pub limits: LimitsView,
}

/// The limits in force at this moment, by the settings or the schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LimitsView {
    /// Bytes a second of all downloads together.
    pub download: Option<u64>,
    /// Bytes a second of all uploads together.
    pub upload: Option<u64>,
    /// Whether a rule of the schedule holds in the place of the usual limits.
    pub is_scheduled: bool,
    /// When something else comes into force, by the clock of the engine's machine; `None` if that never happens.
    pub until: Option<WeekMoment>,
}

/// A moment of a week, as the wall clock of the engine's machine shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WeekMoment {
    /// 1 Monday to 7 Sunday.
    pub weekday: u8,
    /// Minutes after midnight, 0 to 1439.
    pub minute: u16,
}

/// One row's details, for the pane under the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobDetail {
    /// The row itself, as of now.
    pub job: JobView,
    /// The address after redirects, secrets hidden.
    pub final_url: Option<String>,
    /// The server's entity tag.
    pub entity_tag: Option<String>,
    /// Whether that tag promises equal bytes.
    pub entity_tag_is_strong: bool,
    /// `Last-Modified` as sent.
    pub last_modified: Option<String>,
    /// Evidence that the last resume used the same remote version.
    pub validation: Option<ValidationView>,
    /// The checksum the user gave.
    pub expected_digest: Option<String>,
    /// Names of the headers the user added.
    pub header_names: Vec<String>,
    /// Further addresses of the same file, secrets hidden.
    pub mirrors: Vec<String>,
    /// Who fetches what, in the order of the file.
    pub segments: Vec<SegmentView>,
    /// Bytes a second, one sample a second, the last five minutes, oldest first.
    pub speed: Vec<u64>,
    /// What happened, oldest first.
    pub log: Vec<LogLine>,
    /// How far the call `job_verify` or `job_repair` is that is under way, whoever made it.
    pub proof: Option<ProofProgress>,
}

/// How surely a resume continued the same version of the remote file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ValidationView {
    /// The same strong entity tag.
    StrongTag,
    /// The same length and modification date.
    LengthAndDate,
    /// Nothing but the bytes: the end of what was on disk came again and was the same.
    Overlap,
    /// Nothing that could be compared.
    Unverifiable,
    /// Another version: the job started again.
    Changed,
}

/// A stretch of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SegmentView {
    /// Offset of its first byte.
    pub start: u64,
    /// Offset behind its last byte; `None` while the file's end is unknown.
    pub end: Option<u64>,
    /// Bytes in place from its start.
    pub written: u64,
    /// Whether a connection is fetching it now.
    pub is_active: bool,
}

/// One line of a job's log, without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LogLine {
    /// Unix time in milliseconds.
    pub at_ms: i64,
    /// What happened.
    pub text: String,
}

/// A saved upload target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TargetView {
    /// Its number.
    pub id: i64,
    /// The name the user gave it.
    pub name: String,
    /// Its address, secrets hidden.
    pub address: String,
}

/// What a host can do beside moving bytes; the UI shows only what works.
#[expect(clippy::struct_excessive_bools, reason = "each is there or not, whatever the others are")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct HostCapability {
    /// Native dialogs for files and folders.
    pub pick: bool,
    /// Opening a file with the program that the desktop has for it.
    pub open: bool,
    /// Showing a file in its folder.
    pub reveal: bool,
    /// Dropped files arrive as paths of the engine's own machine.
    pub drop_paths: bool,
}
