//! The end of a download: length and digest are proved, then the file gets its name, once and atomically.

use std::path::Path;

use ropeway_model::{Digest, FailureCode, OnConflict};
use ropeway_store::Verification;

use super::{checkpoint, naming, proof, source::Source, worker::Job};
use crate::{
    attempt::{Attempt, Finished, Stop},
    checksum::Pending,
    disk::DiskError,
};

pub(super) async fn run(
    attempt: &Attempt,
    source: &Source,
    job: &Job,
    pending: Option<Pending>,
) -> Result<Finished, Stop> {
    let length = job.claims.written();
    if let Some(follower) = &job.follower {
        follower.complete(length);
    }
    // Longer than the map: an earlier, larger version left bytes behind the end.
    if job.part.length()? != length {
        job.part.set_length(length)?;
    }
    checkpoint::sync(attempt, &job.part).await?;
    let digests = match pending {
        Some(pending) => pending.await.map_err(|panic| Stop::failed(FailureCode::Internal, panic.to_string()))??,
        None => None,
    };
    let digests = digests.unwrap_or_default();
    let verification = proof::verify(attempt, source, &digests)?;
    publish(attempt, source, job, digests.into_iter().next(), verification).await
}

/// Commits the intent, renames, and leaves the last commit to the settling of the attempt. A crash in between finds
/// the intent: the part file is still there and is published again, or it is gone and the final file is there.
async fn publish(
    attempt: &Attempt,
    source: &Source,
    job: &Job,
    digest: Option<Digest>,
    verification: Verification,
) -> Result<Finished, Stop> {
    let disk = &*attempt.engine.disk;
    let length = job.claims.written();
    loop {
        let path = naming::final_path(disk, &source.part_path, attempt.spec.on_conflict)?;
        intend(attempt, job, &path, digest.clone(), verification).await?;
        match disk.publish(&source.part_path, &path, attempt.spec.on_conflict == OnConflict::Overwrite) {
            Ok(()) => {
                attempt.progress.restart_at(length);
                return Ok(Finished { path, digest, verification });
            }
            // Somebody took the name since it was chosen: choose again.
            Err(DiskError::Exists { .. }) if attempt.spec.on_conflict == OnConflict::Rename => {}
            Err(error) => return Err(error.into()),
        }
    }
}

async fn intend(
    attempt: &Attempt,
    job: &Job,
    path: &Path,
    digest: Option<Digest>,
    verification: Verification,
) -> Result<(), Stop> {
    let mut change = attempt.change(None);
    change.segments = Some(Some(job.claims.coalesced()));
    change.durable = Some(job.claims.written());
    change.final_path = Some(Some(path.to_owned()));
    change.digest = Some(digest.clone());
    change.verification = Some(Some(verification));
    attempt.save(change).await?;
    attempt.update(|entry| {
        entry.final_path = Some(path.to_owned());
        entry.digest.clone_from(&digest);
        entry.verification = Some(verification);
    });
    Ok(())
}
