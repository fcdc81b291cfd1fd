//! Errors of the disk, with the path they are about.

use std::{
    io,
    path::{Path, PathBuf},
};

use ropeway_model::{Failure, FailureCode, size::Size};

/// A disk operation that failed.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The name is taken.
    #[error("{} exists already", path.display())]
    Exists {
        /// The name.
        path: PathBuf,
    },
    /// Name that nothing has.
    #[error("{} does not exist", path.display())]
    Missing {
        /// The name.
        path: PathBuf,
    },
    /// The part file, which was made there, has this name no more.
    #[error("{} was removed or moved away", path.display())]
    PartGone {
        /// The part file.
        path: PathBuf,
    },
    /// Another process has the part file locked.
    #[error("{} is being written by another Ropeway", path.display())]
    InUse {
        /// The part file.
        path: PathBuf,
    },
    /// Link, folder or other that is no regular file.
    #[error("{} is no regular file", path.display())]
    NotAFile {
        /// The name.
        path: PathBuf,
    },
    /// Link in the place of a folder that a document named.
    #[error("{} is a link, which a folder named by a document must not lead through", path.display())]
    LinkInWay {
        /// The link.
        path: PathBuf,
    },
    /// Room is not enough.
    #[error("no room for {} in {}: {} are free", Size(*needed), folder.display(), Size(*free))]
    NoRoom {
        /// The folder.
        folder: PathBuf,
        /// Bytes still to be written.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// Length beyond what the file system takes, however much room there is.
    #[error("the volume of {} takes no file of more than {longest} bytes; this one has {needed}", folder.display())]
    TooLong {
        /// The folder.
        folder: PathBuf,
        /// Bytes of the file.
        needed: u64,
        /// Bytes of the longest file.
        longest: u64,
    },
    /// Earlier sync of the file failed, so a later one proves nothing.
    #[error("what was written since the last good save may be lost: an earlier sync failed")]
    Unsynced,
    /// Other errors of the operating system.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
}

impl DiskError {
    /// Names the path an operating system error is about.
    pub fn at(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists { path },
            io::ErrorKind::NotFound => Self::Missing { path },
            io::ErrorKind::WouldBlock => Self::InUse { path },
            _ => Self::Io { path, source },
        }
    }

    /// Tells what a rename of `part` within `folder` missed.
    /// The system says only that something is missing.
    pub(super) fn of_rename(self, part: &Path, folder: &Path) -> Self {
        match self {
            // A link in its place is not the folder in which the part was made.
            Self::Missing { .. } if folder.symlink_metadata().is_ok_and(|found| found.is_dir()) => {
                Self::PartGone { path: part.to_owned() }
            }
            Self::Missing { .. } => Self::Missing { path: folder.to_owned() },
            other => other,
        }
    }

    /// The reason in the closed list.
    pub fn code(&self) -> FailureCode {
        match self {
            Self::Exists { .. } => FailureCode::FileExists,
            Self::Missing { .. } => FailureCode::FolderMissing,
            Self::PartGone { .. } => FailureCode::PartMissing,
            Self::InUse { .. } => FailureCode::PartInUse,
            Self::NotAFile { .. } | Self::LinkInWay { .. } => FailureCode::PermissionDenied,
            Self::NoRoom { .. } => FailureCode::DiskFull,
            Self::TooLong { .. } => FailureCode::FileTooLarge,
            Self::Unsynced => FailureCode::DiskFailed,
            Self::Io { source, .. } if ropeway_files::are_too_many_open(source) => FailureCode::TooManyOpen,
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FailureCode::DiskFull,
                io::ErrorKind::FileTooLarge => FailureCode::FileTooLarge,
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => FailureCode::PermissionDenied,
                io::ErrorKind::NotADirectory => FailureCode::FolderMissing,
                _ => FailureCode::DiskFailed,
            },
        }
    }

    /// Failure as it is stored and shown.
    pub fn failure(&self) -> Failure {
        Failure::new(self.code(), self.to_string())
    }
}
