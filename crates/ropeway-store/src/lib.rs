//! The durable truth of Ropeway: the queue of jobs in one SQLite file.
//!
//! What a call acknowledges survives a crash and a power cut: every transaction is synced before its caller hears of
//! it. One thread owns the connection; it joins the writes that wait together into one transaction, so that many jobs
//! that finish at once cost one sync. [`Store`] is the way in, `table/` holds one file per table.

mod column;
mod connection;
mod edit;
mod error;
mod memory;
mod mend;
mod migration;
mod store;
mod swap;
mod table;
mod writer;

pub use edit::Edit;
pub use error::StoreError;
pub use memory::{MemoryQueue, Volume, Waiting};
pub use mend::{QueueDamage, mend};
pub use store::Store;
pub use table::{
    block::{Block, BlockChange},
    host::{HostProfile, HostRow},
    job::{Damage, JobChange, JobRow, NewJob, Remote, Verification},
    log::{LOG_LINE_BYTES, LOG_LINES},
    part_file::PartFileState,
    target::SavedTarget,
    upload::{UploadSession, UploadState},
};
