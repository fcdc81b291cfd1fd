//! Opening the queue's file: private to the user, recognised, durable, at today's schema.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{
    error::{Fault, StoreError},
    migration::{self, APPLICATION_ID, SCHEMA_VERSION},
    swap::SwapLock,
};

/// How long another process may hold the file before a call gives up. Its transactions take milliseconds; ten seconds
/// cover a disk that is busy syncing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Between two tries at what SQLite does not wait for by itself.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// Every statement of the table files stays prepared, with room to spare.
const PREPARED_STATEMENTS: usize = 64;

/// Pages of the file that are kept in memory, in KiB: rows are read once at start and then one job's at a time, and what
/// is not here is in the system's cache.
const CACHE_KIB: i64 = 1024;

/// The write-ahead log is cut back to this after a checkpoint: one huge insert must not hold its room for ever.
const WAL_BYTES_KEPT: i64 = 4 << 20;

/// What SQLite puts beside the file.
pub(crate) const SIDES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Opens or creates the queue at `path`, readable and writable by its owner only.
pub(crate) fn open(path: &Path) -> Result<Connection, StoreError> {
    let swap = SwapLock::shared(path)
        .map_err(|source: io::Error| StoreError::Open { path: path.to_owned(), source: Arc::new(source) })?;
    open_locked(path, &swap)
}

/// [`open`] while nobody else puts another file in the queue's place.
pub(crate) fn open_locked(path: &Path, _: &SwapLock) -> Result<Connection, StoreError> {
    let refused = |source: io::Error| StoreError::Open { path: path.to_owned(), source: Arc::new(source) };
    let absolute = create_private(path).map_err(refused)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let mut connection = Connection::open_with_flags(&absolute, flags).map_err(|error| Fault::from(error).at(path))?;
    let fail = |fault: Fault| fault.at(path);
    connection.busy_timeout(BUSY_TIMEOUT).map_err(|error| fail(error.into()))?;
    recognise(&mut connection, path)?;
    let mode = write_ahead(&connection, || thread::sleep(BUSY_PAUSE)).map_err(|error| fail(error.into()))?;
    if mode != "wal" {
        return Err(StoreError::NoWriteAheadLog { path: path.to_owned(), mode });
    }
    prepare(&mut connection).map_err(fail)?;
    Ok(connection)
}

/// A queue in memory, gone with its last handle.
pub(crate) fn open_in_memory(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open_in_memory().map_err(|error| Fault::from(error).at(path))?;
    prepare(&mut connection).map_err(|fault| fault.at(path))?;
    Ok(connection)
}

/// The file's path without a link in it, which SQLite then refuses to find; the file is there, private, with its final
/// permissions, which SQLite gives to the log and the index beside it too: the queue holds logins.
fn create_private(path: &Path) -> io::Result<PathBuf> {
    // An absolute path cannot be taken for one of SQLite's URIs or for ':memory:'.
    let absolute = std::path::absolute(path)?;
    let folder = absolute.parent().unwrap_or(Path::new("/")).canonicalize()?;
    let name = absolute.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let path = folder.join(name);
    drop(ropeway_files::open_private(&path)?);
    for ending in SIDES {
        let mut side = path.clone().into_os_string();
        side.push(ending);
        match fs::symlink_metadata(&side) {
            Ok(metadata) if !metadata.is_file() => {
                let reason = format!("{} is not a regular file", Path::new(&side).display());
                return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
            }
            _ => {}
        }
    }
    Ok(path)
}

/// Refuses what is not ours or too new, before anything is written to it.
fn recognise(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let fail = |error: rusqlite::Error| Fault::from(error).at(path);
    // In one transaction: another process may just be creating the queue.
    let transaction = connection.transaction().map_err(fail)?;
    let number = |sql: &str| transaction.query_row(sql, [], |row| row.get::<_, i64>(0));
    let application = number("SELECT application_id FROM pragma_application_id").map_err(fail)?;
    let entries = number("SELECT count(*) FROM sqlite_schema").map_err(fail)?;
    let found = migration::version(&transaction).map_err(fail)?;
    let is_new = application == 0 && entries == 0 && found == 0;
    if application != APPLICATION_ID && !is_new {
        let reason = "it is the database of another program".to_owned();
        return Err(StoreError::NotAQueue { path: path.to_owned(), reason });
    }
    if found > SCHEMA_VERSION {
        return Err(StoreError::NewerSchema { path: path.to_owned(), found, known: SCHEMA_VERSION });
    }
    Ok(())
}

/// Turns the write-ahead log on and returns the mode the file has now. SQLite's own waiting does not cover this switch
/// while another process writes to a file that is just being created: `pause` comes between two tries.
fn write_ahead(connection: &Connection, mut pause: impl FnMut()) -> rusqlite::Result<String> {
    let started = Instant::now();
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)) {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && started.elapsed() < BUSY_TIMEOUT =>
            {
                pause();
            }
            settled => return settled,
        }
    }
}

fn prepare(connection: &mut Connection) -> Result<(), Fault> {
    // FULL: a commit is on the disk before it is acknowledged. With NORMAL a power cut may take acknowledged jobs back.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // On macOS only this reaches the platter; elsewhere it says nothing.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // The rows of removed jobs held logins and signed links.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)?;
    // Negative: a size in KiB rather than a number of pages.
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
    migration::migrate(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_sqlite_is_free_of_the_wal_reset_defect() {
        assert!(rusqlite::version_number() >= 3_051_003, "SQLite {}", rusqlite::version());
    }

    #[test]
    fn an_opened_queue_syncs_every_commit_and_wipes_what_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open(&folder.path().join("queue.db")).unwrap();
        for (pragma, expected) in [("synchronous", 2), ("foreign_keys", 1), ("secure_delete", 1), ("trusted_schema", 0)]
        {
            let found: i64 = connection.pragma_query_value(None, pragma, |row| row.get(0)).unwrap();
            assert_eq!(found, expected, "{pragma}");
        }
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }

    #[test]
    fn a_queue_that_another_process_is_just_creating_is_waited_for() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (own, other) = (Connection::open(file.path()).unwrap(), Connection::open(file.path()).unwrap());
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut pauses = 0;
        let mode = write_ahead(&own, || {
            pauses += 1;
            other.execute_batch("COMMIT").unwrap();
        });
        assert_eq!((mode.unwrap().as_str(), pauses), ("wal", 1));
    }
}
