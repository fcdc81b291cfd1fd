//! What a part file looked like when its job last saved it, and how far its digests were computed.

use ropeway_model::{HashedPrefix, JobId};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::{
    column::{Bytes, Columns, Json},
    error::Fault,
    migration::Migration,
};

pub(crate) const CREATE: Migration = Migration {
    version: 7,
    sql: "
        CREATE TABLE part_file (
            job         INTEGER PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE,
            length      INTEGER NOT NULL,
            modified_ns INTEGER NOT NULL,
            is_settled  INTEGER NOT NULL,
            hashed      TEXT
        ) STRICT;",
};

/// The number tells a finished file from another one of its name, length and time.
pub(crate) const ADD_INODE: Migration =
    Migration { version: 9, sql: "ALTER TABLE part_file ADD COLUMN inode INTEGER;" };

/// A part file as it was last saved, or the finished file as it was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartFileState {
    /// Its length in bytes, holes included.
    pub length: u64,
    /// When it was modified, in nanoseconds since the Unix epoch.
    pub modified_ns: i64,
    /// Its number in its file system, where it was recorded.
    pub inode: Option<u64>,
    /// Whether its job had stopped: then nothing of ours has written to it since.
    pub is_settled: bool,
    /// How far its digests were computed.
    pub hashed: Option<HashedPrefix>,
}

/// What was saved of the job's part file.
pub(crate) fn read(connection: &Connection, job: JobId) -> Result<Option<PartFileState>, Fault> {
    let corrupt = |reason: &dyn std::fmt::Display| Fault::corrupt(format_args!("the part file of job {job}"), reason);
    let mut statement = connection
        .prepare_cached("SELECT length, modified_ns, inode, is_settled, hashed FROM part_file WHERE job = ?1")?;
    let row = statement.query_row([job.row()], |row| {
        let mut columns = Columns::of(row);
        Ok(PartFileState {
            length: columns.take::<Bytes>()?.0,
            modified_ns: columns.take()?,
            inode: columns.take::<Option<i64>>()?.map(i64::cast_unsigned),
            is_settled: columns.take()?,
            hashed: columns.take::<Option<Json<_>>>()?.map(|json| json.0),
        })
    });
    row.optional().map_err(|error| corrupt(&error))
}

/// Puts `state` in the place of what was saved.
pub(crate) fn replace(connection: &Connection, job: JobId, state: Option<&PartFileState>) -> Result<(), Fault> {
    let Some(state) = state else {
        connection.prepare_cached("DELETE FROM part_file WHERE job = ?1")?.execute([job.row()])?;
        return Ok(());
    };
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO part_file (job, length, modified_ns, inode, is_settled, hashed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            job.row(),
            Bytes(state.length),
            state.modified_ns,
            state.inode.map(u64::cast_signed),
            state.is_settled,
            state.hashed.as_ref().map(Json),
        ])?;
    Ok(())
}
