//! How an older queue becomes today's: numbered steps, each in a transaction of its own, none ever changed once released.

use rusqlite::{Connection, TransactionBehavior};

use crate::{
    error::Fault,
    table::{block, host, job, log, part_file, segment, target, upload},
};

/// `Ropw`, in the file's header: tells a queue from any other SQLite database.
pub(crate) const APPLICATION_ID: i64 = 0x526f_7077;

/// One step of the schema.
pub(crate) struct Migration {
    /// The schema version the file has after it.
    pub(crate) version: i64,
    /// What to run.
    pub(crate) sql: &'static str,
}

/// Every step, in the order of their versions.
pub(crate) const MIGRATIONS: [Migration; 11] = [
    job::CREATE,
    segment::CREATE,
    log::CREATE,
    target::CREATE,
    job::ADD_COOKIE_FILE,
    block::CREATE,
    part_file::CREATE,
    host::CREATE,
    part_file::ADD_INODE,
    job::ADD_DAMAGE,
    upload::CREATE,
];

/// The schema this program reads and writes.
pub(crate) const SCHEMA_VERSION: i64 = MIGRATIONS[MIGRATIONS.len() - 1].version;

/// The file's schema version; 0 for a new file.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT user_version FROM pragma_user_version", [], |row| row.get(0))
}

/// Takes the file to [`SCHEMA_VERSION`], one transaction per step. Another process may do the same at the same time.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), Fault> {
    for Migration { version: step, sql } in MIGRATIONS {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if version(&transaction)? >= step {
            continue;
        }
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", step)?;
        transaction.commit()?;
        tracing::info!(version = step, "queue schema migrated");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_numbered_without_a_hole() {
        let versions: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        assert_eq!(versions, (1..=SCHEMA_VERSION).collect::<Vec<_>>());
    }

    #[test]
    fn a_migration_that_stopped_midway_is_taken_up_where_it_stopped() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(MIGRATIONS[0].sql).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        migrate(&mut connection).unwrap();
        assert_eq!(version(&connection).unwrap(), SCHEMA_VERSION);
        migrate(&mut connection).unwrap();
    }

    #[test]
    fn a_step_that_fails_leaves_nothing_of_itself() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE segment (blocks_the_second_step)").unwrap();
        assert!(migrate(&mut connection).is_err());
        assert_eq!(version(&connection).unwrap(), 1, "the first step holds, the second did not count");
    }
}
