//! The jobs: what the user asked for, what became of it, and what a restart needs to go on.

use std::path::PathBuf;

use ropeway_model::{Digest, FileName, JobId, JobSpec, Phase, SafeUrl, Timestamp, Validation, Validator, Wish};
use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use self::{order::POSITION_STEP, spec::SpecColumns, state::PhaseColumns};
use crate::{
    column::{Bytes, Columns, Json, Name, StoredPath},
    error::Fault,
    migration::Migration,
};

pub(crate) mod change;
mod merge;
pub(crate) mod order;
mod spec;
mod state;

pub use change::JobChange;

/// Paths are TEXT, or BLOB where they are no Unicode.
pub(crate) const CREATE: Migration = Migration {
    version: 1,
    sql: "
        CREATE TABLE job (
            id           INTEGER PRIMARY KEY AUTOINCREMENT,
            position     INTEGER NOT NULL,
            direction    TEXT NOT NULL,
            address      TEXT NOT NULL,
            local_path   ANY NOT NULL,
            name         TEXT,
            options      TEXT NOT NULL,
            ca_file      ANY,
            wish         TEXT NOT NULL,
            phase        TEXT NOT NULL,
            phase_detail TEXT,
            created_ms   INTEGER NOT NULL,
            finished_ms  INTEGER,
            remote       TEXT,
            part_path    ANY,
            final_path   ANY,
            durable      INTEGER NOT NULL DEFAULT 0,
            digest       TEXT,
            verification TEXT,
            validation   TEXT,
            upload       TEXT
        ) STRICT;
        CREATE INDEX job_position ON job (position);
        CREATE INDEX job_unfinished ON job (address, local_path) WHERE phase NOT IN ('completed', 'canceled');",
};

/// The file of cookies; a path like the others, so no place for it in the JSON of the options.
pub(crate) const ADD_COOKIE_FILE: Migration =
    Migration { version: 5, sql: "ALTER TABLE job ADD COLUMN cookie_file ANY;" };

/// What the last comparison of the file with its block digests found damaged.
pub(crate) const ADD_DAMAGE: Migration = Migration { version: 10, sql: "ALTER TABLE job ADD COLUMN damage TEXT;" };

/// A job to append to the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// What the user asked for.
    pub spec: JobSpec,
    /// What the user wants of it now.
    pub wish: Wish,
    /// Where it starts.
    pub phase: Phase,
    /// When it was asked for.
    pub created: Timestamp,
}

/// A job as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRow {
    /// Its number.
    pub id: JobId,
    /// What the user asked for.
    pub spec: JobSpec,
    /// What the user wants of it now.
    pub wish: Wish,
    /// What it was doing when it was last saved.
    pub phase: Phase,
    /// Place in the list; smaller is earlier.
    pub position: i64,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it reached its end.
    pub finished: Option<Timestamp>,
    /// The version of the remote file that is being saved.
    pub remote: Option<Remote>,
    /// Where a download's bytes gather.
    pub part_path: Option<PathBuf>,
    /// Where the complete file is, or is to be.
    pub final_path: Option<PathBuf>,
    /// Bytes that a crash does not take back.
    pub durable: u64,
    /// What the finished file hashes to.
    pub digest: Option<Digest>,
    /// How the finished file was proved.
    pub verification: Option<Verification>,
    /// Evidence that the last resume used the same remote version.
    pub validation: Option<Validation>,
    /// What the last comparison with the block digests found; `None` for nothing.
    pub damage: Option<Damage>,
}

/// Damage that a comparison of a file with its block digests has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// Stretches that are not as they came.
    pub blocks: u64,
    /// Bytes in them.
    pub bytes: u64,
}

/// The remote file as the first response described it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remote {
    /// Where redirects ended.
    pub url: SafeUrl,
    /// The name it asks to be saved under, made safe.
    pub name: FileName,
    /// Which version it is.
    pub validator: Validator,
    /// What the server says it hashes to.
    pub digest: Option<Digest>,
    /// Whether the user replaced the link and no answer of the new one has been compared with the bytes yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_renewed: bool,
}

/// How a finished file was proved to be whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// The digest equals the one the user gave.
    ChecksumGiven,
    /// The digest equals the one the other side computed.
    ChecksumOfServer,
    /// As many bytes as the other side announced.
    Length,
    /// The other side announced nothing to compare with.
    Unverified,
}

/// Appends jobs to the end of the list.
pub(crate) fn insert(
    connection: &Connection,
    jobs: impl IntoIterator<Item = NewJob>,
) -> Result<Vec<(JobId, i64)>, Fault> {
    let mut position: i64 = connection.query_row("SELECT coalesce(max(position), 0) FROM job", [], |row| row.get(0))?;
    let mut statement = connection.prepare_cached(
        "INSERT INTO job (position, direction, address, local_path, name, options, ca_file, cookie_file, wish,
                          phase, phase_detail, created_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    let mut ids = Vec::new();
    for job in jobs {
        position += POSITION_STEP;
        let spec = SpecColumns::of(&job.spec);
        let phase = PhaseColumns::of(&job.phase)?;
        let id = statement.insert(params![
            position,
            spec.direction,
            spec.address,
            spec.local_path,
            spec.name,
            spec.options,
            spec.ca_file,
            spec.cookie_file,
            Name(job.wish),
            phase.kind,
            phase.detail,
            job.created.unix_ms(),
        ])?;
        ids.push((JobId::from_row(id), position));
    }
    Ok(ids)
}

/// The columns that [`from_row`] reads, in its order.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, direction, address, local_path, name, options, ca_file, cookie_file, wish, phase,
                    phase_detail, position, created_ms, finished_ms, remote, part_path, final_path, durable, digest,
                    verification, validation, damage
             FROM job ",
            $rest
        )
    };
}

const ALL: &str = select!("ORDER BY position, id");

/// Hands over all jobs in the order of the list.
pub(crate) fn each(connection: &Connection, mut take: impl FnMut(JobRow)) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(ALL)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(from_row(row)?);
    }
    Ok(())
}

/// The jobs whose rows cannot be what was written.
pub(crate) fn unreadable(connection: &Connection) -> Result<Vec<JobId>, Fault> {
    let mut statement = connection.prepare_cached(ALL)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        if from_row(row).is_err() {
            found.push(JobId::from_row(row.get(0)?));
        }
    }
    Ok(found)
}

/// Deletes jobs; their segments and logs go with them.
pub(crate) fn remove(connection: &Connection, ids: &[JobId]) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached("DELETE FROM job WHERE id = ?1")?;
    for id in ids {
        statement.execute([id.row()])?;
    }
    Ok(())
}

fn from_row(row: &Row<'_>) -> Result<JobRow, Fault> {
    let mut columns = Columns::of(row);
    let id: i64 = columns.take()?;
    read_columns(JobId::from_row(id), &mut columns).map_err(|error| Fault::corrupt(format_args!("job {id}"), error))
}

fn read_columns(id: JobId, columns: &mut Columns<'_>) -> rusqlite::Result<JobRow> {
    Ok(JobRow {
        id,
        spec: spec::read(columns)?,
        wish: columns.take::<Name<_>>()?.0,
        phase: state::read(columns)?,
        position: columns.take()?,
        created: Timestamp::from_unix_ms(columns.take()?),
        finished: columns.take::<Option<_>>()?.map(Timestamp::from_unix_ms),
        remote: columns.take::<Option<Json<_>>>()?.map(|json| json.0),
        part_path: columns.take::<Option<StoredPath<'_>>>()?.map(StoredPath::into_path),
        final_path: columns.take::<Option<StoredPath<'_>>>()?.map(StoredPath::into_path),
        durable: columns.take::<Bytes>()?.0,
        digest: columns.take::<Option<Name<_>>>()?.map(|name| name.0),
        verification: columns.take::<Option<Name<_>>>()?.map(|name| name.0),
        validation: columns.take::<Option<Name<_>>>()?.map(|name| name.0),
        damage: columns.take::<Option<Json<_>>>()?.map(|json| json.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration;

    #[test]
    fn the_list_is_read_in_its_order_by_the_index() {
        let mut connection = Connection::open_in_memory().unwrap();
        migration::migrate(&mut connection).unwrap();
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {ALL}")).unwrap();
        let steps = statement.query_map([], |row| row.get::<_, String>(3)).unwrap();
        let plan: Vec<String> = steps.map(Result::unwrap).collect();
        assert!(plan.iter().any(|step| step.contains("USING INDEX job_position")), "{plan:?}");
    }
}
