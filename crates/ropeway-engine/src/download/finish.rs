//! The end of a download: length and digest are proved, then the file gets its name, once and atomically.

use std::path::Path;

use ropeway_model::{Digest, FailureCode, FileName, Obstacle, OnConflict};
use ropeway_store::Verification;

use super::{checkpoint, existing, named_folders, naming, proof, source::Source, worker::Job};
use crate::{
    attempt::{Attempt, Finished, Stop},
    config::Scope,
    disk::DiskError,
};

pub(super) async fn run(attempt: &Attempt, source: &Source, job: &Job) -> Result<Finished, Stop> {
    let length = job.claims.written();
    let pending = job.follower.as_ref().map(|follower| follower.complete(length));
    // Longer than the map: an earlier, larger version left bytes behind the end.
    if job.part.length()? != length {
        job.part.set_length(length)?;
    }
    let synced = checkpoint::sync(attempt, job, &job.claims.coalesced()).await?;
    let digests = match pending {
        Some(pending) => pending.await.map_err(|panic| Stop::failed(FailureCode::Internal, panic.to_string()))??,
        None => None,
    };
    let digests = digests.unwrap_or_default();
    if let Err(stop) = proof::has_length(&attempt.spec, length) {
        attempt.save(proof::forgotten(attempt)).await?;
        return Err(stop);
    }
    let verification = proof::verify(attempt, source, &digests)?;
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
async fn publish(attempt: &Attempt, source: &Source, job: &Job, mut proof: Proof) -> Result<Finished, Stop> {
    let disk = &*attempt.engine.disk;
    let length = job.claims.written();
    let name = attempt.look(|entry| entry.remote.as_ref().map(|remote| remote.name.clone()))?;
    let name = name.unwrap_or_else(|| FileName::sanitized(""));
    loop {
        let path = naming::final_path(disk, &source.part_path, &name, attempt.spec.on_conflict)?;
        let asks = attempt.spec.on_conflict == OnConflict::Ask && attempt.engine.scope == Scope::Queue;
        if asks && naming::is_taken_by_another(disk, &source.part_path, &path)? {
            return Err(ask(attempt, job, &proof, &DiskError::Exists { path }).await?);
        }
        // Before the intent, which records the file as it is from here on: a later deletion goes by that.
        disk.mark(&source.part_path, &source.url);
        existing::note(attempt, &source.part_path, &source.validator);
        proof.synced.look_again(job)?;
        intend(attempt, job, &path, &proof).await?;
        named_folders::make(attempt)?;
        match disk.publish(&source.part_path, &path, attempt.spec.on_conflict == OnConflict::Overwrite) {
            Ok(()) => {
                attempt.progress.restart_at(length);
                let stamp = Some(proof.synced.stamp());
                return Ok(Finished { path, digest: proof.digest, verification: proof.verification, stamp });
            }
            // Somebody took the name since it was chosen: choose again.
            Err(DiskError::Exists { .. }) if attempt.spec.on_conflict == OnConflict::Rename => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Keeps the complete file aside until the user says what becomes of it.
async fn ask(attempt: &Attempt, job: &Job, proof: &Proof, taken: &DiskError) -> Result<Stop, Stop> {
    let mut change = attempt.change(None);
    change.segments = Some(Some(job.claims.coalesced()));
    change.durable = Some(job.claims.written());
    proof.synced.settle(&mut change);
    attempt.save(change).await?;
    Ok(Stop::Blocked { by: Obstacle::NameTaken, failure: taken.failure() })
}

async fn intend(attempt: &Attempt, job: &Job, path: &Path, proof: &Proof) -> Result<(), Stop> {
    let mut change = attempt.change(None);
    change.segments = Some(Some(job.claims.coalesced()));
    change.durable = Some(job.claims.written());
    change.final_path = Some(Some(path.to_owned()));
    change.digest = Some(proof.digest.clone());
    change.verification = Some(Some(proof.verification));
    proof.synced.settle(&mut change);
    attempt.save(change).await?;
    attempt.update(|entry| {
        entry.known.final_path = Some(path.to_owned());
        entry.known.digest.clone_from(&proof.digest);
        entry.known.verification = Some(proof.verification);
    });
    Ok(())
}
