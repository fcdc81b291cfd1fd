//! What happened to a job, line by line, for the details pane and for reports.

use ropeway_model::{JobId, Timestamp};
use rusqlite::{Connection, params};

use crate::{error::Fault, migration::Migration};

/// Lines kept per job; a job that retries for weeks must not fill the disk.
pub const LOG_LINES: usize = 200;

/// Bytes kept of one line: a sentence with a long URL fits, a server's error page does not.
pub const LOG_LINE_BYTES: usize = 4096;

pub(crate) const CREATE: Migration = Migration {
    version: 3,
    sql: "
        CREATE TABLE log (
            job    INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            at_ms  INTEGER NOT NULL,
            line   TEXT NOT NULL,
            PRIMARY KEY (job, number)
        ) STRICT, WITHOUT ROWID;",
};

/// The job's lines, oldest first.
pub(crate) fn read(connection: &Connection, job: JobId) -> Result<Vec<(Timestamp, String)>, Fault> {
    let mut statement = connection.prepare_cached("SELECT at_ms, line FROM log WHERE job = ?1 ORDER BY number")?;
    let lines = statement.query_map([job.row()], |row| Ok((Timestamp::from_unix_ms(row.get(0)?), row.get(1)?)))?;
    Ok(lines.collect::<Result<_, _>>()?)
}

/// Adds lines, the newest last, and drops the oldest beyond [`LOG_LINES`].
pub(crate) fn append(connection: &Connection, job: JobId, lines: &[(Timestamp, String)]) -> Result<(), Fault> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO log (job, number, at_ms, line)
         SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3 FROM log WHERE job = ?1",
    )?;
    for (at, line) in lines.iter().skip(lines.len().saturating_sub(LOG_LINES)) {
        insert.execute(params![job.row(), at.unix_ms(), shortened(line)])?;
    }
    connection
        .prepare_cached(
            "DELETE FROM log
             WHERE job = ?1 AND number <= (SELECT max(number) FROM log WHERE job = ?1) - ?2",
        )?
        .execute(params![job.row(), i64::try_from(LOG_LINES).unwrap_or(i64::MAX)])?;
    Ok(())
}

fn shortened(line: &str) -> &str {
    let mut end = line.len().min(LOG_LINE_BYTES);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line.get(..end).unwrap_or_default()
}
