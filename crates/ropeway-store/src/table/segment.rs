//! The segments of unfinished downloads: which bytes are durably on disk.

use ropeway_model::{ByteRange, JobId, Segment, SegmentMap};
use rusqlite::{Connection, params};

use crate::{
    column::{Bytes, Columns},
    error::Fault,
    migration::Migration,
};

/// `end_offset` is NULL for the last segment of a file of unknown length.
pub(crate) const CREATE: Migration = Migration {
    version: 2,
    sql: "
        CREATE TABLE segment (
            job          INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
            start_offset INTEGER NOT NULL,
            end_offset   INTEGER,
            written      INTEGER NOT NULL,
            PRIMARY KEY (job, start_offset)
        ) STRICT, WITHOUT ROWID;",
};

/// The job's map; `None` when it has no rows.
pub(crate) fn read(connection: &Connection, job: JobId) -> Result<Option<SegmentMap>, Fault> {
    let corrupt = |reason: &dyn std::fmt::Display| Fault::corrupt(format_args!("the segments of job {job}"), reason);
    let mut statement = connection
        .prepare_cached("SELECT start_offset, end_offset, written FROM segment WHERE job = ?1 ORDER BY start_offset")?;
    let mut rows = statement.query([job.row()])?;
    let mut segments = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::of(row);
        let mut stored = || -> rusqlite::Result<(Bytes, Option<Bytes>, Bytes)> {
            Ok((columns.take()?, columns.take()?, columns.take()?))
        };
        let (start, end, written) = stored().map_err(|error| corrupt(&error))?;
        let range = match end {
            Some(end) => ByteRange::new(start.0, end.0).map_err(|error| corrupt(&error))?,
            None => ByteRange::from_start(start.0),
        };
        segments.push(Segment::new(range, written.0).map_err(|error| corrupt(&error))?);
    }
    if segments.is_empty() {
        return Ok(None);
    }
    SegmentMap::from_segments(segments).map(Some).map_err(|error| corrupt(&error))
}

/// Puts `map`, neighbours without a gap joined, in the place of what the job had.
pub(crate) fn replace(connection: &Connection, job: JobId, map: Option<&SegmentMap>) -> Result<(), Fault> {
    connection.prepare_cached("DELETE FROM segment WHERE job = ?1")?.execute([job.row()])?;
    let Some(map) = map else { return Ok(()) };
    let mut insert = connection
        .prepare_cached("INSERT INTO segment (job, start_offset, end_offset, written) VALUES (?1, ?2, ?3, ?4)")?;
    for segment in map.coalesced().segments() {
        let range = segment.range();
        let end = (!range.is_open_ended()).then(|| Bytes(range.end()));
        insert.execute(params![job.row(), Bytes(range.start()), end, Bytes(segment.written())])?;
    }
    Ok(())
}
