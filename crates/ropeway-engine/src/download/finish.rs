//! The end of a download. Length and digest are proved, then the file gets its name, once and atomically.

use std::{path::Path, sync::Arc};

use ropeway_flow::disk::DiskError;
use ropeway_model::{Blocker, Digest, FailureCode, FileName, OnConflict};
use ropeway_store::{JobChange, Verification};

use super::{checkpoint, existing, named_folders, naming, proof, soft, source::Source, worker::SharedDownload};
use crate::{
    attempt::{Attempt, Finished, Stop},
    config::Scope,
};

pub(super) async fn run(attempt: &Attempt, source: &Source, job: &SharedDownload) -> Result<Finished, Stop> {
    let length = job.claims.written();
    let pending = job.follower.as_ref().map(|follower| follower.complete(length));
    // Longer than the map: an earlier, larger version left bytes behind the end.
    let part = Arc::clone(&job.part);
    let cut = attempt.on_disk(move |_| if part.length()? == length { Ok(()) } else { part.set_length(length) });
    cut.await?;
    let synced = checkpoint::sync(attempt, job, &job.claims.coalesced()).await?;
    let digests = match pending {
        Some(pending) => pending.await.map_err(|panic| Stop::failed(FailureCode::Internal, panic.to_string()))??,
        None => None,
    };
    let digests = digests.unwrap_or_default();
    if let Err(stop) = proof::has_length(&attempt.spec, length) {
        soft::forget(attempt).await?;
        attempt.save(proof::forgotten(attempt)).await?;
        return Err(stop);
    }
    let verification = match proof::verify(attempt, source, &digests) {
        Ok(verification) => verification,
        Err(mismatch) => {
            soft::forget(attempt).await?;
            let mut whole = whole(attempt, job);
            synced.settle(&mut whole);
            return Err(proof::give_up(attempt, source, &mismatch, whole).await?);
        }
    };
    let proof = Proof { digest: digests.into_iter().next(), verification, synced };
    publish(attempt, source, job, proof).await
}

/// What is known of the complete file.
struct Proof {
    digest: Option<Digest>,
    verification: Verification,
    /// The last blocks, to be committed with the intent.
    synced: checkpoint::Synced,
}

/// Dates the file, commits the intent, renames, and leaves the last commit to the settling of the attempt. A crash in
/// between finds the intent: the part file is still there and is published again, or it is gone and the final file is
/// there.
async fn publish(attempt: &Attempt, source: &Source, job: &SharedDownload, mut proof: Proof) -> Result<Finished, Stop> {
    let length = job.claims.written();
    let name = attempt.look(|entry| entry.remote.as_ref().map(|remote| remote.name.clone()))?;
    let name = name.unwrap_or_else(|| FileName::sanitized(""));
    loop {
        let on_conflict = attempt.spec.on_conflict;
        let asks = on_conflict == OnConflict::Ask && attempt.engine.scope == Scope::Queue;
        let (part, name) = (source.part_path.clone(), name.clone());
        let chosen = attempt.on_disk(move |disk| {
            let path = naming::final_path(disk, &part, &name, on_conflict)?;
            let is_asked = asks && naming::is_taken_by_another(disk, &part, &path)?;
            Ok::<_, DiskError>((path, is_asked))
        });
        let (path, is_asked) = chosen.await?;
        if is_asked {
            return Err(ask(attempt, job, &proof, &DiskError::Exists { path }).await?);
        }
        // Before the intent, which records the file as it is from here on: a later deletion goes by that.
        existing::mark(attempt, &source.part_path, &source.url, &source.validator).await?;
        proof.synced.look_again(attempt, job).await?;
        intend(attempt, job, &path, &proof).await?;
        named_folders::make(attempt).await?;
        let (part, to) = (source.part_path.clone(), path.clone());
        let published = attempt.on_disk(move |disk| {
            match disk.publish(&part, &to, on_conflict == OnConflict::Overwrite) {
                Ok(()) => Ok(true),
                // Somebody took the name since it was chosen: choose again.
                Err(DiskError::Exists { .. }) if on_conflict == OnConflict::Rename => Ok(false),
                Err(error) => Err(error),
            }
        });
        if published.await? {
            attempt.progress.restart_at(length);
            let stamp = Some(proof.synced.stamp());
            return Ok(Finished { path, digest: proof.digest, verification: proof.verification, stamp });
        }
    }
}

/// Keeps the complete file aside until the user says what becomes of it.
async fn ask(attempt: &Attempt, job: &SharedDownload, proof: &Proof, taken: &DiskError) -> Result<Stop, Stop> {
    let mut change = whole(attempt, job);
    proof.synced.settle(&mut change);
    attempt.save(change).await?;
    job.soft.close().await;
    Ok(Stop::Blocked { by: Blocker::NameTaken, failure: taken.failure() })
}

/// The change that has the whole file in place.
fn whole(attempt: &Attempt, job: &SharedDownload) -> JobChange {
    let mut change = attempt.change(None);
    change.segments = Some(Some(job.claims.coalesced()));
    change.durable = Some(job.claims.written());
    change
}

async fn intend(attempt: &Attempt, job: &SharedDownload, path: &Path, proof: &Proof) -> Result<(), Stop> {
    let mut change = whole(attempt, job);
    change.final_path = Some(Some(path.to_owned()));
    change.digest = Some(proof.digest.clone());
    change.verification = Some(Some(proof.verification));
    proof.synced.settle(&mut change);
    attempt.save(change).await?;
    job.soft.close().await;
    attempt.update(|entry| {
        entry.state.final_path = Some(path.to_owned());
        entry.state.digest.clone_from(&proof.digest);
        entry.state.verification = Some(proof.verification);
    });
    Ok(())
}
