//! Versions of local files, as the file system tells them apart.

use std::{fs::Metadata, os::unix::fs::MetadataExt as _};

/// Version of a local file, as its file system tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStamp {
    /// Length in bytes.
    pub length: u64,
    /// Modification time in nanoseconds since the Unix epoch.
    pub modified_ns: i128,
    /// The file's number in its file system.
    pub inode: u64,
}

impl FileStamp {
    /// Reads the version from a file's metadata.
    pub(super) fn of(metadata: &Metadata) -> Self {
        let modified_ns = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
        Self { length: metadata.len(), modified_ns, inode: metadata.ino() }
    }
}
