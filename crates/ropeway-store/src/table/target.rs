//! Upload targets that the user saved under a name.

use ropeway_model::{SavedTargetId, UploadTarget};
use rusqlite::Connection;

use crate::{column::Name, error::Fault, migration::Migration};

pub(crate) const CREATE: Migration = Migration {
    version: 4,
    sql: "
        CREATE TABLE target (
            id      INTEGER PRIMARY KEY AUTOINCREMENT,
            name    TEXT NOT NULL UNIQUE,
            address TEXT NOT NULL
        ) STRICT;",
};

/// An upload target with the name the user gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedTarget {
    /// Its number.
    pub id: SavedTargetId,
    /// Its name, unique.
    pub name: String,
    /// Where it leads.
    pub target: UploadTarget,
}

/// All of them in the order of their names, whatever their case.
pub(crate) fn all(connection: &Connection) -> Result<Vec<SavedTarget>, Fault> {
    let mut statement =
        connection.prepare_cached("SELECT id, name, address FROM target ORDER BY name COLLATE NOCASE, name")?;
    let mut rows = statement.query([])?;
    let mut targets = Vec::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let Name(target) = row.get(2).map_err(|error| Fault::corrupt(format_args!("saved target {id}"), error))?;
        targets.push(SavedTarget { id: SavedTargetId::from_row(id), name: row.get(1)?, target });
    }
    Ok(targets)
}

/// Deletes the rows that cannot be what was written.
pub(crate) fn remove_unreadable(connection: &Connection) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached("SELECT id, address FROM target")?;
    let rows =
        statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Name<UploadTarget>>(1).is_ok())))?;
    let unreadable: Vec<i64> = rows.filter_map(Result::ok).filter(|(_, is_read)| !is_read).map(|(id, _)| id).collect();
    unreadable.into_iter().try_for_each(|id| remove(connection, SavedTargetId::from_row(id)).map(drop))
}

/// Inserts, or gives the target of this name a new address.
pub(crate) fn save(connection: &Connection, name: String, target: UploadTarget) -> Result<SavedTarget, Fault> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO target (name, address) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET address = excluded.address RETURNING id",
    )?;
    let id = statement.query_row((&name, Name(&target)), |row| row.get(0))?;
    Ok(SavedTarget { id: SavedTargetId::from_row(id), name, target })
}

/// Whether there was one to delete.
pub(crate) fn remove(connection: &Connection, id: SavedTargetId) -> Result<bool, Fault> {
    Ok(connection.prepare_cached("DELETE FROM target WHERE id = ?1")?.execute([id.row()])? > 0)
}
