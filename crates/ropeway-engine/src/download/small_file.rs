//! Small files of a queue that lives for one command. The first answer is held in memory and saved in one piece.
//!
//! Such a file needs no part file and no entry of how far it is: a crash leaves it there whole or not at all, and what
//! is fetched in one answer is fetched again as easily.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt as _;
use ropeway_drivers::{ByteStream, DriverError, Probe, Turn};
use ropeway_flow::disk::Notes;
use ropeway_model::{Chunks, FailureCode, FileName, OnConflict};
use ropeway_store::Verification;
use tokio::sync::oneshot;

use super::{
    named_folders::{self, Folder},
    proof,
    saves::Save,
    worker_error::LONGEST_SILENCE,
};
use crate::{
    attempt::{Attempt, Finished, Stop},
    config::Scope,
};

/// Held in memory by each running job at most.
const LARGEST: u64 = 256 << 10;

/// Whether the file that `probe` describes is fetched this way: nothing is to be proved of it but its length, and no
/// limit spreads it over time.
pub(super) fn fits(attempt: &Attempt, probe: &Probe) -> bool {
    let spec = &attempt.spec;
    attempt.engine.scope == Scope::Once
        && probe.validator.length.is_some_and(|length| length <= LARGEST)
        && proof::algorithms(spec, probe.digest.as_ref(), attempt.engine.digests).is_empty()
        && spec.pieces.is_none()
        && spec.on_conflict != OnConflict::Overwrite
        && attempt.throttle.portion(1, Duration::ZERO).is_none()
}

/// Reads the whole answer, in pieces.
///
/// # Errors
/// As the stream's, and [`FailureCode::LengthMismatch`] if it ends early.
pub(super) async fn read(attempt: &Attempt, mut body: ByteStream, length: u64, host: &str) -> Result<Vec<Bytes>, Stop> {
    let mut come = Chunks::default();
    let _connected = attempt.progress.connected();
    while (come.len() as u64) < length {
        let next = tokio::select! {
            biased;
            () = attempt.cancel.cancelled() => return Err(Stop::Interrupted),
            next = tokio::time::timeout(LONGEST_SILENCE, body.next()) => next,
        };
        let Ok(next) = next else {
            let waited_s = LONGEST_SILENCE.as_secs();
            return Err(DriverError::Silent { host: host.to_owned(), turn: Turn::Send, waited_s }.into());
        };
        let Some(mut chunk) = next.transpose()? else { break };
        attempt.progress.add_moved(chunk.len() as u64);
        let left = length - come.len() as u64;
        chunk.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        come.push(chunk);
    }
    if (come.len() as u64) < length {
        return Err(Stop::failed(FailureCode::LengthMismatch, format!("{host} ended before the file was whole")));
    }
    Ok(come.take())
}

/// Saves the file under the first name that is free. `None` where the file system cannot do it in one piece.
pub(super) async fn save(
    attempt: &Attempt,
    pieces: Vec<Bytes>,
    folder: &Path,
    name: &FileName,
    notes: Notes,
) -> Result<Option<Finished>, Stop> {
    let length = pieces.iter().map(|piece| piece.len() as u64).sum();
    named_folders::make(attempt).await?;
    let (reply, saved) = oneshot::channel();
    let (folder, name, on_conflict) =
        (Folder::at(folder, attempt.spec.named_folders), name.clone(), attempt.spec.on_conflict);
    if let Some(saver) = attempt.engine.saves.push(Save { pieces, folder, name, on_conflict, notes, reply }) {
        let disk = attempt.engine.disk.clone();
        let saving = attempt.engine.blocking.start(move || saver.run(&*disk));
        // A thread goes on by itself, with the files of others, too.
        if !attempt.engine.blocking.goes_ahead() {
            drop(saving.await);
        }
    }
    let saved =
        saved.await.map_err(|_| Stop::failed(FailureCode::Internal, "the thread that saves files ended early"))??;
    Ok(saved.map(|path| {
        attempt.progress.set_durable(length);
        Finished { path, digest: None, verification: Verification::Length, stamp: None }
    }))
}
