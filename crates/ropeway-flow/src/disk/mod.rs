//! Disk: part files, sources, and the atomic move to a final name.
//!
//! All calls block. Writes land in the page cache and are made from the transfer itself, which is the back-pressure of
//! a slow disk; syncs are made from a blocking thread.

mod below;
mod error;
mod fat;
mod file;
mod file_system;
mod folders;
mod guard;
mod local;
mod locked_file;
mod notes;
mod part_file;
mod probe;
mod prove;
mod rename;
mod soft;
mod source_file;
mod stamp;
mod walk;

pub use error::DiskError;
pub use file_system::Disk;
pub use guard::Guard;
pub use local::LocalDisk;
pub use locked_file::{create_locked, is_number, remove_if_abandoned};
pub use notes::Notes;
pub use part_file::PartFile;
pub use prove::prove_naming;
pub use rename::{is_placeholder, rename_to_free_name};
pub use soft::{BootId, SoftFiles};
pub use source_file::SourceFile;
pub use stamp::FileStamp;
pub use walk::{Files, Found, LeftOut, LeftOutKind, files_at};
