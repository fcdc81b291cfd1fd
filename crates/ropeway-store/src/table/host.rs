//! What was learned of servers, for a day.

use ropeway_model::Timestamp;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use crate::{column::Json, error::Fault, migration::Migration};

pub(crate) const CREATE: Migration = Migration {
    version: 8,
    sql: "
        CREATE TABLE host (
            host    TEXT PRIMARY KEY,
            seen_ms INTEGER NOT NULL,
            profile TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;",
};

/// A server as it was last seen.
#[derive(Clone, Debug, PartialEq)]
pub struct HostRow {
    /// Host and, where it is not the scheme's own, port.
    pub host: String,
    /// When it was last spoken to.
    pub seen: Timestamp,
    /// What was learned of it.
    pub profile: HostProfile,
}

/// What was learned of a server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostProfile {
    /// Connections it bears.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_cap: Option<u16>,
    /// Connections a large file from it is worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worth: Option<u16>,
    /// Whether more than those would not help.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_full: bool,
    /// Bytes a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throughput: Option<u64>,
    /// Milliseconds from a request to its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// Share of requests that went well, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reliability: Option<f64>,
}

/// The servers seen since `since`. A row that cannot be read is worth nothing and left out.
pub(crate) fn since(connection: &Connection, since: Timestamp) -> Result<Vec<HostRow>, Fault> {
    let mut statement =
        connection.prepare_cached("SELECT host, seen_ms, profile FROM host WHERE seen_ms >= ?1 ORDER BY host")?;
    let rows = statement.query_map([since.unix_ms()], |row| {
        let Json(profile) = row.get(2)?;
        Ok(HostRow { host: row.get(0)?, seen: Timestamp::from_unix_ms(row.get(1)?), profile })
    })?;
    Ok(rows.filter_map(Result::ok).collect())
}

/// Saves what was learned, and forgets what was not seen since `since`.
pub(crate) fn save(connection: &Connection, rows: &[HostRow], since: Timestamp) -> Result<(), Fault> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO host (host, seen_ms, profile) VALUES (?1, ?2, ?3)
         ON CONFLICT (host) DO UPDATE SET seen_ms = excluded.seen_ms, profile = excluded.profile",
    )?;
    for row in rows {
        insert.execute(params![row.host, row.seen.unix_ms(), Json(&row.profile)])?;
    }
    connection.prepare_cached("DELETE FROM host WHERE seen_ms < ?1")?.execute([since.unix_ms()])?;
    Ok(())
}
