//! What can go wrong with the durable queue: what, in which file, and under which code the user sees it.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ropeway_model::{FailureCode, JobId};
use rusqlite::ErrorCode;

/// The queue could not be read or written; nothing of the refused call is in it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The file could not be created or opened.
    #[error("the queue {} cannot be opened: {source}", .path.display())]
    Open {
        /// The queue's file.
        path: PathBuf,
        /// What the operating system says.
        source: Arc<io::Error>,
    },
    /// The file belongs to something else.
    #[error("{} is no queue of Ropeway: {reason}", .path.display())]
    NotAQueue {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// The file is no database, or none any more.
    #[error("{} is no queue of Ropeway: it is no database", .path.display())]
    NoDatabase {
        /// The file.
        path: PathBuf,
    },
    /// A later version of Ropeway has written the file.
    #[error("the queue {} has schema {found}, this Ropeway knows up to {known}: update Ropeway", .path.display())]
    NewerSchema {
        /// The queue's file.
        path: PathBuf,
        /// The file's schema version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The volume cannot share memory between processes, without which the queue is not safe.
    #[error("the volume of the queue {} has no write-ahead log (it offers '{mode}')", .path.display())]
    NoWriteAheadLog {
        /// The queue's file.
        path: PathBuf,
        /// The journal mode it offers instead.
        mode: String,
    },
    /// A record that cannot be what was written.
    #[error("the queue {} is damaged at {record}: {reason}", .path.display())]
    Corrupt {
        /// The queue's file.
        path: PathBuf,
        /// Which record.
        record: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No room on the volume.
    #[error("the volume of the queue {} is full", .path.display())]
    Full {
        /// The queue's file.
        path: PathBuf,
    },
    /// Another process held the file for longer than [`crate::Store::open`] waits.
    #[error("another process keeps the queue {} locked", .path.display())]
    Busy {
        /// The queue's file.
        path: PathBuf,
    },
    /// The job to change or to move is not in the queue.
    #[error("the queue {} has no job {id}", .path.display())]
    NoSuchJob {
        /// The queue's file.
        path: PathBuf,
        /// The number asked for.
        id: JobId,
    },
    /// A value that no column can hold, such as a length over 2⁶³-1.
    #[error("the queue {} cannot hold a value: {reason}", .path.display())]
    Unstorable {
        /// The queue's file.
        path: PathBuf,
        /// Which value.
        reason: String,
    },
    /// SQLite reports something else, such as a failing disk.
    #[error("the queue {} failed: {source}", .path.display())]
    Sql {
        /// The queue's file.
        path: PathBuf,
        /// What SQLite says.
        source: Arc<rusqlite::Error>,
    },
    /// The store was closed, or its thread has ended.
    #[error("the queue {} is closed", .path.display())]
    Closed {
        /// The queue's file.
        path: PathBuf,
    },
}

impl StoreError {
    /// The reason in the closed list.
    pub const fn code(&self) -> FailureCode {
        match self {
            Self::Full { .. } => FailureCode::DiskFull,
            Self::NoSuchJob { .. } | Self::Unstorable { .. } => FailureCode::Internal,
            Self::Open { .. }
            | Self::NotAQueue { .. }
            | Self::NoDatabase { .. }
            | Self::NewerSchema { .. }
            | Self::NoWriteAheadLog { .. }
            | Self::Corrupt { .. }
            | Self::Busy { .. }
            | Self::Sql { .. }
            | Self::Closed { .. } => FailureCode::StateFailed,
        }
    }

    /// Whether the file is damaged: what can be read of it may be saved by [`crate::mend`].
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Corrupt { .. } | Self::NoDatabase { .. } => true,
            // A file that ends within a page.
            Self::Sql { source, .. } => {
                source.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHORT_READ)
            }
            _ => false,
        }
    }

    /// What is wrong with a damaged file, without its name.
    pub(crate) fn cause(&self) -> String {
        match self {
            Self::Corrupt { record, reason, .. } => format!("{record}: {reason}"),
            Self::NoDatabase { .. } => "it is no database".to_owned(),
            Self::Sql { source, .. } => source.to_string(),
            other => other.to_string(),
        }
    }

    /// Whether the same call may be carried out later: the volume is full or failing, or somebody else has the file.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Full { .. } | Self::Busy { .. } => true,
            Self::Sql { source, .. } => may_pass(source.sqlite_error_code()),
            Self::Open { .. }
            | Self::NotAQueue { .. }
            | Self::NoDatabase { .. }
            | Self::NewerSchema { .. }
            | Self::NoWriteAheadLog { .. }
            | Self::Corrupt { .. }
            | Self::NoSuchJob { .. }
            | Self::Unstorable { .. }
            | Self::Closed { .. } => false,
        }
    }
}

/// Whether SQLite may carry the same statement out later: the volume or the machine was the reason, not the statement.
fn may_pass(code: Option<ErrorCode>) -> bool {
    matches!(
        code,
        Some(
            ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::OutOfMemory
                | ErrorCode::OperationInterrupted
                | ErrorCode::FileLockingProtocolFailed
        )
    )
}

/// What a table function reports: a [`StoreError`] that does not know its file yet.
#[derive(Debug)]
pub(crate) enum Fault {
    Sqlite(rusqlite::Error),
    Corrupt { record: String, reason: String },
    NoSuchJob(JobId),
}

impl Fault {
    pub(crate) fn corrupt(record: impl fmt::Display, reason: impl fmt::Display) -> Self {
        Self::Corrupt { record: record.to_string(), reason: reason.to_string() }
    }

    /// The same fault as what the caller sees, with the file it happened in.
    pub(crate) fn at(self, path: &Path) -> StoreError {
        let path = path.to_owned();
        match self {
            Self::Corrupt { record, reason } => StoreError::Corrupt { path, record, reason },
            Self::NoSuchJob(id) => StoreError::NoSuchJob { path, id },
            Self::Sqlite(error) => from_sqlite(error, path),
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn from_sqlite(error: rusqlite::Error, path: PathBuf) -> StoreError {
    use rusqlite::Error as Sqlite;
    match (error.sqlite_error_code(), &error) {
        (Some(ErrorCode::DiskFull), _) => StoreError::Full { path },
        (Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked), _) => StoreError::Busy { path },
        (Some(ErrorCode::NotADatabase), _) => StoreError::NoDatabase { path },
        (Some(ErrorCode::DatabaseCorrupt), _) => {
            StoreError::Corrupt { path, record: "the database's structure".to_owned(), reason: error.to_string() }
        }
        (
            _,
            Sqlite::FromSqlConversionFailure(..)
            | Sqlite::InvalidColumnType(..)
            | Sqlite::IntegralValueOutOfRange(..)
            | Sqlite::Utf8Error(..),
        ) => StoreError::Corrupt { path, record: "a row".to_owned(), reason: error.to_string() },
        (_, Sqlite::ToSqlConversionFailure(reason)) => StoreError::Unstorable { path, reason: reason.to_string() },
        _ => StoreError::Sql { path, source: Arc::new(error) },
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::{Error as Sqlite, ffi, types::Type};

    use super::*;

    fn of_sqlite(extended_code: i32) -> StoreError {
        from_sqlite(
            Sqlite::SqliteFailure(ffi::Error::new(extended_code), Some("so it says".to_owned())),
            "queue.db".into(),
        )
    }

    #[test]
    fn what_sqlite_reports_is_told_from_what_it_means_for_the_queue() {
        for (code, is_damage, may_pass, failure, said) in [
            (ffi::SQLITE_FULL, false, true, FailureCode::DiskFull, "the volume of the queue queue.db is full"),
            (
                ffi::SQLITE_BUSY,
                false,
                true,
                FailureCode::StateFailed,
                "another process keeps the queue queue.db locked",
            ),
            (
                ffi::SQLITE_LOCKED,
                false,
                true,
                FailureCode::StateFailed,
                "another process keeps the queue queue.db locked",
            ),
            (
                ffi::SQLITE_NOTADB,
                true,
                false,
                FailureCode::StateFailed,
                "queue.db is no queue of Ropeway: it is no database",
            ),
            (
                ffi::SQLITE_IOERR_SHORT_READ,
                true,
                true,
                FailureCode::StateFailed,
                "the queue queue.db failed: so it says",
            ),
            (ffi::SQLITE_IOERR_WRITE, false, true, FailureCode::StateFailed, "the queue queue.db failed: so it says"),
            (ffi::SQLITE_READONLY, false, true, FailureCode::StateFailed, "the queue queue.db failed: so it says"),
            (ffi::SQLITE_MISUSE, false, false, FailureCode::StateFailed, "the queue queue.db failed: so it says"),
        ] {
            let error = of_sqlite(code);
            assert_eq!(
                (error.is_damage(), error.may_pass(), error.code()),
                (is_damage, may_pass, failure),
                "{error:?}"
            );
            assert_eq!(error.to_string(), said);
        }
    }

    #[test]
    fn a_row_that_cannot_be_read_is_damage_and_a_value_that_cannot_be_written_is_none() {
        let at = |error| from_sqlite(error, "queue.db".into());
        for error in [
            Sqlite::InvalidColumnType(0, "id".to_owned(), Type::Text),
            Sqlite::IntegralValueOutOfRange(0, -1),
            Sqlite::FromSqlConversionFailure(0, Type::Text, "no phase".into()),
        ] {
            assert!(matches!(at(error), StoreError::Corrupt { record, .. } if record == "a row"));
        }
        let error = at(Sqlite::ToSqlConversionFailure("it is too long".into()));
        assert!(matches!(&error, StoreError::Unstorable { reason, .. } if reason == "it is too long"), "{error}");
        assert!(!error.is_damage() && !error.may_pass());
    }

    #[test]
    fn the_cause_of_damage_is_told_without_the_name_of_the_file() {
        let path = PathBuf::from("queue.db");
        let (record, reason) = ("job 7".to_owned(), "no such phase".to_owned());
        assert_eq!(StoreError::Corrupt { path: path.clone(), record, reason }.cause(), "job 7: no such phase");
        assert_eq!(StoreError::NoDatabase { path: path.clone() }.cause(), "it is no database");
        assert_eq!(of_sqlite(ffi::SQLITE_IOERR_SHORT_READ).cause(), "so it says");
        assert_eq!(StoreError::Closed { path }.cause(), "the queue queue.db is closed");
    }
}
