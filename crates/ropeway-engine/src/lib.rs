//! Makes jobs happen. The engine joins disk, throttle, retry and digest; drivers only move bytes, so that no protocol
//! can forget to limit, hash or sync.
//!
//! The outside is reached through a few small seams, all in [`Seams`]: clock, disk, network, random numbers and the
//! threads that may block. A simulator puts its own behind them.

mod attempt;
mod blockers;
mod blocks;
mod checksum_files;
mod claims;
mod config;
mod core;
mod download;
mod engine;
mod hosts;
mod journal;
pub mod network;
mod plan;
mod progress;
mod resume_from_sleep;
mod retry;
mod schedule;
mod scheduler;
mod snapshot;
mod soft;
mod table;
mod upload;

pub use blocks::{BlockReport, ProofProgress, ProofStage};
pub use checksum_files::ChecksumOffer;
pub use claims::SegmentSnapshot;
pub use config::{DigestPolicy, EngineConfig, Limits, Scope, Seams};
pub use download::part_path;
pub use engine::{
    Change, Engine, EngineError, KnownDownload, KnownDownloads, Leftover, NewJobs, PipeProgress, Piped, Removal,
};
pub use hosts::{Profile, ServerPolicy, ServerSnapshot, Worth};
pub use ropeway_drivers::{Patience, exposed_netrc, metalink};
pub use ropeway_flow::{
    digest::Hasher,
    disk::{DiskError, Files, Found, LeftOut, LeftOutKind, files_at},
};
pub use ropeway_store::{Damage, QueueDamage, Remote, SavedTarget, StoreError, Verification};
pub use schedule::LimitsInForce;
pub use snapshot::{Changes, JobDetail, JobSnapshot, Pause, ProgressSnapshot};
pub use soft::SoftCheckpoint;
