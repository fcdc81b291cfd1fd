//! Uploads that servers hold the beginning of. The source is kept as it was when each was begun.

use ropeway_model::{JobId, SafeUrl, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};

use crate::{
    column::{Bytes, Columns, Json},
    error::Fault,
    migration::Migration,
};

/// What stood in the job's own row was never used, and neither was the index by transfer.
pub(crate) const CREATE: Migration = Migration {
    version: 11,
    sql: "
        CREATE TABLE upload (
            job         INTEGER PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE,
            session     TEXT NOT NULL,
            length      INTEGER NOT NULL,
            modified_ns INTEGER NOT NULL,
            inode       INTEGER NOT NULL
        ) STRICT;
        DROP INDEX job_unfinished;
        ALTER TABLE job DROP COLUMN upload;",
};

/// An upload that the server holds the beginning of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadState {
    /// The session at the server.
    pub session: UploadSession,
    /// The source's length in bytes when it was begun.
    pub length: u64,
    /// When the source was modified, in nanoseconds since the Unix epoch.
    pub modified_ns: i64,
    /// The source's number in its file system.
    pub inode: u64,
}

/// A session as its driver needs it to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadSession {
    /// Scheme of the driver that reads it.
    pub scheme: String,
    /// Where the bytes go, without a login.
    pub url: SafeUrl,
    /// State that the driver must remember besides.
    pub state: serde_json::Value,
    /// When the server forgets it, if it says so.
    pub expires: Option<Timestamp>,
    /// Bytes from the file's start that were acknowledged with their checksum. That was sent ahead of them.
    pub compared: u64,
    /// Bytes from the start that were sent or were about to be.
    pub sent_to: u64,
}

const COLUMNS: &str = "SELECT job, session, length, modified_ns, inode FROM upload";

/// Session that was saved of the job's upload.
pub(crate) fn read(connection: &Connection, job: JobId) -> Result<Option<UploadState>, Fault> {
    let mut statement = connection.prepare_cached(&format!("{COLUMNS} WHERE job = ?1"))?;
    let row = statement.query_row([job.row()], from_row).optional();
    let row = row.map_err(|error| Fault::corrupt(format_args!("the upload of job {job}"), error))?;
    Ok(row.map(|(_, state)| state))
}

/// All of them. A row that cannot be read is left out.
pub(crate) fn all(connection: &Connection) -> Result<Vec<(JobId, UploadState)>, Fault> {
    let mut statement = connection.prepare_cached(COLUMNS)?;
    let rows = statement.query_map([], from_row)?;
    Ok(rows.filter_map(Result::ok).collect())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<(JobId, UploadState)> {
    let mut columns = Columns::of(row);
    let job = JobId::from_row(columns.take()?);
    let state = UploadState {
        session: columns.take::<Json<_>>()?.0,
        length: columns.take::<Bytes>()?.0,
        modified_ns: columns.take()?,
        inode: columns.take::<i64>()?.cast_unsigned(),
    };
    Ok((job, state))
}

/// Puts `state` in the place of what was saved.
pub(crate) fn replace(connection: &Connection, job: JobId, state: Option<&UploadState>) -> Result<(), Fault> {
    let Some(state) = state else {
        connection.prepare_cached("DELETE FROM upload WHERE job = ?1")?.execute([job.row()])?;
        return Ok(());
    };
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO upload (job, session, length, modified_ns, inode) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            job.row(),
            Json(&state.session),
            Bytes(state.length),
            state.modified_ns,
            state.inode.cast_signed(),
        ])?;
    Ok(())
}
