//! The block digests of downloads: what each stretch of a file hashed to as it came. They stay when the job is complete.

use ropeway_model::{ByteRange, JobId};
use rusqlite::{Connection, params};

use crate::{
    column::{Bytes, Columns},
    error::Fault,
    migration::Migration,
};

pub(crate) const CREATE: Migration = Migration {
    version: 6,
    sql: "
        CREATE TABLE block (
            job          INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
            start_offset INTEGER NOT NULL,
            end_offset   INTEGER NOT NULL,
            digest       BLOB NOT NULL,
            PRIMARY KEY (job, start_offset)
        ) STRICT, WITHOUT ROWID;",
};

/// A stretch of a file with the BLAKE3 digest of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The stretch.
    pub range: ByteRange,
    /// The digest of its bytes.
    pub digest: [u8; 32],
}

/// What changes about the block digests of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockChange {
    /// These are new, or differ from what was recorded at the same offset.
    Add(Vec<Block>),
    /// These are all there are.
    Replace(Vec<Block>),
}

/// The job's blocks in the order of the file.
pub(crate) fn read(connection: &Connection, job: JobId) -> Result<Vec<Block>, Fault> {
    let corrupt = |reason: &dyn std::fmt::Display| Fault::corrupt(format_args!("the blocks of job {job}"), reason);
    let mut statement = connection
        .prepare_cached("SELECT start_offset, end_offset, digest FROM block WHERE job = ?1 ORDER BY start_offset")?;
    let mut rows = statement.query([job.row()])?;
    let mut blocks = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::of(row);
        let mut stored = || -> rusqlite::Result<_> {
            Ok((columns.take::<Bytes>()?, columns.take::<Bytes>()?, columns.take::<[u8; 32]>()?))
        };
        let (start, end, digest) = stored().map_err(|error| corrupt(&error))?;
        let range = ByteRange::new(start.0, end.0).map_err(|error| corrupt(&error))?;
        blocks.push(Block { range, digest });
    }
    Ok(blocks)
}

/// Makes the change.
pub(crate) fn apply(connection: &Connection, job: JobId, change: &BlockChange) -> Result<(), Fault> {
    let blocks = match change {
        BlockChange::Add(blocks) => blocks,
        BlockChange::Replace(blocks) => {
            connection.prepare_cached("DELETE FROM block WHERE job = ?1")?.execute([job.row()])?;
            blocks
        }
    };
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO block (job, start_offset, end_offset, digest) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for Block { range, digest } in blocks {
        insert.execute(params![job.row(), Bytes(range.start()), Bytes(range.end()), digest])?;
    }
    Ok(())
}
