//! A file at rest, held against the block digests that were recorded as it came.

use std::{path::PathBuf, sync::Arc};

use ropeway_flow::disk::DiskError;
use ropeway_model::{ByteRange, Direction, JobId, JobSpec, Phase};
use ropeway_store::{Block, Damage, JobChange, Remote};

use super::{Grid, compare, verify_progress::ProofStage};
use crate::{core::Core, engine::EngineError};

/// Result of comparing a file with its recorded block digests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockReport {
    /// The job.
    pub id: JobId,
    /// The file that was read.
    pub path: PathBuf,
    /// Bytes in every block but the last.
    pub block_size: u64,
    /// Bytes that were compared.
    pub compared: u64,
    /// Bytes of the whole file; `None` while unknown.
    pub length: Option<u64>,
    /// What is not as it came, in the order of the file; behind its end, what somebody added.
    pub damaged: Vec<ByteRange>,
}

/// A download that nobody works on, with what is recorded of its file.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) id: JobId,
    pub(super) spec: Arc<JobSpec>,
    pub(super) remote: Arc<Remote>,
    pub(super) path: PathBuf,
    pub(super) is_complete: bool,
    pub(super) length: Option<u64>,
    pub(super) blocks: Vec<Block>,
}

/// Compares.
pub(crate) async fn verify(core: &Core, id: JobId) -> Result<BlockReport, EngineError> {
    report(core, subject(core, id).await?).await
}

pub(super) async fn subject(core: &Core, id: JobId) -> Result<Subject, EngineError> {
    let blocks = core.store.blocks(id).await?;
    let table = core.table.lock();
    let entry = table.get(id).ok_or(EngineError::NoSuchJob(id))?;
    // A job that waits may be started at any moment, and then writes to the file.
    let is_at_rest = entry.active.is_none()
        && matches!(entry.phase, Phase::Completed | Phase::Paused | Phase::Failed { .. } | Phase::LinkExpired { .. });
    let is_complete = entry.phase == Phase::Completed;
    let path = if is_complete { entry.state.final_path.clone() } else { entry.state.part_path.clone() };
    match (path, entry.remote.clone()) {
        (Some(path), Some(remote))
            if is_at_rest && entry.interned().direction() == Direction::Download && !blocks.is_empty() =>
        {
            let (spec, length) = (entry.spec().into(), entry.progress().length());
            Ok(Subject { id, spec, remote, path, is_complete, length, blocks })
        }
        _ if !is_at_rest => Err(EngineError::WrongPhase { id, phase: entry.phase.kind() }),
        _ => Err(EngineError::NothingRecorded(id)),
    }
}

pub(super) async fn report(core: &Core, subject: Subject) -> Result<BlockReport, EngineError> {
    let Subject { id, path, is_complete, length, blocks, remote, .. } = subject;
    let (disk, at) = (Arc::clone(&core.disk), path.clone());
    let opened = core.blocking.start(move || disk.open_source(&at)).await;
    let file = opened.map_err(|panic| EngineError::NotDurable(panic.to_string()))??;
    let (cancel, compared) = (core.stopping.child_token(), blocks.iter().map(|block| block.range.len()).sum());
    let guard = core.proofs.begin(id, ProofStage::Comparing, compared);
    let progress = Arc::clone(&guard.progress);
    // Who does not wait for the report any more needs no further reading.
    let _reads_no_longer_than_this = cancel.clone().drop_guard();
    let work = move || -> Result<_, DiskError> {
        let read = |buffer: &mut [u8], at| file.read_at(buffer, at).inspect(|count| progress.advance(*count));
        let Some(mut damaged) = compare(read, &blocks, &cancel)? else { return Ok(None) };
        // A part file may be longer than what was saved of it; a complete one may not.
        let added = ByteRange::new(length.unwrap_or(u64::MAX), file.stamp()?.length);
        damaged.extend(added.ok().filter(|_| is_complete));
        Ok(Some(damaged))
    };
    let done = core.blocking.start(work).await.map_err(|panic| EngineError::NotDurable(panic.to_string()))?;
    let damaged = done?.ok_or(EngineError::Stopping)?;
    let block_size = Grid::new(remote.validator.length).size();
    remember(core, id, &damaged).await?;
    Ok(BlockReport { id, path, block_size, compared, length, damaged })
}

/// Keeps with the job what was found, so that neither a restart nor another window forgets it.
async fn remember(core: &Core, id: JobId, damaged: &[ByteRange]) -> Result<(), EngineError> {
    let bytes = damaged.iter().map(|range| range.len()).sum();
    let found = (!damaged.is_empty()).then_some(Damage { blocks: damaged.len() as u64, bytes });
    let known = core.table.lock().get(id).map(|entry| entry.state.damage);
    // A job that was removed meanwhile has nothing to keep it with.
    if known.is_none_or(|known| known == found) {
        return Ok(());
    }
    let mut change = JobChange::new(id);
    change.damage = Some(found);
    core.journal.save(change).wait().await.map_err(EngineError::NotDurable)?;
    core.table.lock().update(id, |entry| entry.state.damage = found);
    core.changed.notify_one();
    Ok(())
}
