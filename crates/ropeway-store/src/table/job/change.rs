//! What may change about a job once it is in the list.

use std::path::PathBuf;

use ropeway_model::{Digest, JobId, JobSpec, Phase, SegmentMap, Timestamp, Validation, Wish};
use rusqlite::{Connection, Params, params};

use super::{Damage, Remote, Verification, spec::SpecColumns, state::PhaseColumns};
use crate::{
    column::{Bytes, Json, Name, StoredPath},
    error::Fault,
    table::{
        block::{self, BlockChange},
        log,
        part_file::{self, PartFileState},
        segment,
        upload::{self, UploadState},
    },
};

/// What changes about one job; a field that is `None` stays as it is, `Some(None)` takes the value away.
#[derive(Clone, Debug, PartialEq)]
pub struct JobChange {
    /// Which job.
    pub id: JobId,
    /// What the user asked for.
    pub spec: Option<JobSpec>,
    /// What the user wants of it.
    pub wish: Option<Wish>,
    /// What it is doing.
    pub phase: Option<Phase>,
    /// When it reached its end.
    pub finished: Option<Timestamp>,
    /// The version of the remote file.
    pub remote: Option<Option<Remote>>,
    /// Where a download's bytes gather.
    pub part_path: Option<Option<PathBuf>>,
    /// Where the complete file is, or is to be.
    pub final_path: Option<Option<PathBuf>>,
    /// Bytes that a crash does not take back. The file must be synced before this is saved.
    pub durable: Option<u64>,
    /// Which bytes of the file are on the disk, in the place of all segments the job had.
    pub segments: Option<Option<SegmentMap>>,
    /// Which stretches of the file have a recorded digest. Their bytes must be synced before this is saved.
    pub blocks: Option<BlockChange>,
    /// What the part file looks like.
    pub part_file: Option<Option<PartFileState>>,
    /// What the finished file hashes to.
    pub digest: Option<Option<Digest>>,
    /// How the finished file was proved.
    pub verification: Option<Option<Verification>>,
    /// Evidence that the last resume used the same remote version.
    pub validation: Option<Validation>,
    /// What the server holds of an upload.
    pub upload: Option<Option<UploadState>>,
    /// What the last comparison with the block digests found.
    pub damage: Option<Option<Damage>>,
    /// Lines to add to the log, oldest first.
    pub log: Vec<(Timestamp, String)>,
}

impl JobChange {
    /// A change of nothing about the job `id`, to fill in.
    pub const fn new(id: JobId) -> Self {
        Self {
            id,
            spec: None,
            wish: None,
            phase: None,
            finished: None,
            remote: None,
            part_path: None,
            final_path: None,
            durable: None,
            segments: None,
            blocks: None,
            part_file: None,
            digest: None,
            verification: None,
            validation: None,
            upload: None,
            damage: None,
            log: Vec::new(),
        }
    }
}

/// Makes the change.
pub(crate) fn apply(connection: &Connection, change: &JobChange) -> Result<(), Fault> {
    let id = change.id;
    if !connection.prepare_cached("SELECT 1 FROM job WHERE id = ?1")?.exists([id.row()])? {
        return Err(Fault::NoSuchJob(id));
    }
    apply_intent(connection, change)?;
    apply_facts(connection, change)?;
    if let Some(map) = &change.segments {
        segment::replace(connection, id, map.as_ref())?;
    }
    if let Some(blocks) = &change.blocks {
        block::apply(connection, id, blocks)?;
    }
    if let Some(state) = &change.part_file {
        part_file::replace(connection, id, state.as_ref())?;
    }
    if let Some(state) = &change.upload {
        upload::replace(connection, id, state.as_ref())?;
    }
    log::append(connection, id, &change.log)
}

/// The columns that the user and the scheduler move.
fn apply_intent(connection: &Connection, change: &JobChange) -> Result<(), Fault> {
    let id = change.id.row();
    if let Some(spec) = &change.spec {
        let spec = SpecColumns::of(spec);
        let sql = "UPDATE job SET direction = ?2, address = ?3, local_path = ?4, name = ?5, options = ?6, ca_file = ?7,
                                  cookie_file = ?8 WHERE id = ?1";
        let SpecColumns { direction, address, local_path, name, options, ca_file, cookie_file } = spec;
        let values = params![id, direction, address, local_path, name, options, ca_file, cookie_file];
        update(connection, sql, values)?;
    }
    if let Some(wish) = change.wish {
        update(connection, "UPDATE job SET wish = ?2 WHERE id = ?1", params![id, Name(wish)])?;
    }
    if let Some(phase) = &change.phase {
        let PhaseColumns { kind, detail } = PhaseColumns::of(phase)?;
        let sql = "UPDATE job SET phase = ?2, phase_detail = ?3 WHERE id = ?1";
        update(connection, sql, params![id, kind, detail])?;
    }
    if let Some(finished) = change.finished {
        update(connection, "UPDATE job SET finished_ms = ?2 WHERE id = ?1", params![id, finished.unix_ms()])?;
    }
    Ok(())
}

/// The columns that the transfer itself moves.
fn apply_facts(connection: &Connection, change: &JobChange) -> Result<(), Fault> {
    let id = change.id.row();
    if let Some(remote) = &change.remote {
        let remote = remote.as_ref().map(Json);
        update(connection, "UPDATE job SET remote = ?2 WHERE id = ?1", params![id, remote])?;
    }
    if let Some(path) = &change.part_path {
        let path = path.as_deref().map(StoredPath::of);
        update(connection, "UPDATE job SET part_path = ?2 WHERE id = ?1", params![id, path])?;
    }
    if let Some(path) = &change.final_path {
        let path = path.as_deref().map(StoredPath::of);
        update(connection, "UPDATE job SET final_path = ?2 WHERE id = ?1", params![id, path])?;
    }
    if let Some(durable) = change.durable {
        update(connection, "UPDATE job SET durable = ?2 WHERE id = ?1", params![id, Bytes(durable)])?;
    }
    if let Some(digest) = &change.digest {
        let digest = digest.as_ref().map(Name);
        update(connection, "UPDATE job SET digest = ?2 WHERE id = ?1", params![id, digest])?;
    }
    if let Some(verification) = change.verification {
        let verification = verification.map(Name);
        update(connection, "UPDATE job SET verification = ?2 WHERE id = ?1", params![id, verification])?;
    }
    if let Some(validation) = change.validation {
        update(connection, "UPDATE job SET validation = ?2 WHERE id = ?1", params![id, Name(validation)])?;
    }
    if let Some(damage) = change.damage {
        let damage = damage.map(Json);
        update(connection, "UPDATE job SET damage = ?2 WHERE id = ?1", params![id, damage])?;
    }
    Ok(())
}

fn update(connection: &Connection, sql: &str, values: impl Params) -> Result<(), Fault> {
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}
