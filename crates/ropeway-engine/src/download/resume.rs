//! A later try: what is on disk is trusted as far as the store says, and no further.

use std::path::Path;

use ropeway_model::{FailureCode, SegmentMap, Validator};
use ropeway_store::Verification;

use super::source::{Begin, Source};
use crate::{
    attempt::{Attempt, Finished, Stop},
    disk::DiskError,
};

/// Where a job with a past goes on; `None` begins at byte 0.
pub(super) async fn begin(attempt: &Attempt) -> Result<Option<Begin>, Stop> {
    let (remote, part_path, final_path) =
        attempt.look(|entry| (entry.remote.clone(), entry.part_path.clone(), entry.final_path.clone()))?;
    let (Some(remote), Some(part_path)) = (remote, part_path) else { return Ok(None) };
    let stored = attempt.engine.store.segments(attempt.id).await;
    let map = match stored {
        Ok(Some(map)) => map,
        Ok(None) => return Ok(None),
        Err(error) => {
            attempt.log(format!("what was saved of the segments cannot be used: {error}"));
            return Ok(None);
        }
    };
    if map.is_complete()
        && let Some(path) = &final_path
        && let Some(finished) = published(attempt, &part_path, path, &map)?
    {
        return Ok(Some(Begin::Published(finished)));
    }
    let part = match attempt.engine.disk.open_part(&part_path) {
        Ok(part) => part,
        Err(DiskError::Missing { .. }) => {
            attempt.log(format!("{} is gone", part_path.display()));
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    if !is_resumable(&remote.validator) && !map.is_complete() {
        attempt.log("the server gave nothing to recognise the file by".to_owned());
        return Ok(None);
    }
    if part.length()? < reach(&map) {
        attempt.log(format!("{} is shorter than what was saved", part_path.display()));
        return Ok(None);
    }
    let driver = attempt.engine.drivers.for_download(&remote.url)?;
    if driver.download().is_none() {
        return Err(Stop::failed(FailureCode::SchemeUnsupported, format!("{} cannot be downloaded from", remote.url)));
    }
    attempt.progress.set_length(map.length());
    Ok(Some(Begin::Source(
        Box::new(Source {
            driver,
            url: remote.url.clone(),
            validator: remote.validator.clone(),
            announced: remote.digest.clone(),
            part,
            part_path,
            map,
        }),
        None,
    )))
}

/// Whether a later response can be recognised as the same version.
fn is_resumable(validator: &Validator) -> bool {
    validator.if_range().is_some() || (validator.length.is_some() && validator.last_modified.is_some())
}

/// Offset behind the last byte the map claims.
fn reach(map: &SegmentMap) -> u64 {
    let ends = map.segments().iter().filter(|segment| segment.written() > 0);
    ends.map(|segment| segment.range().start() + segment.written()).max().unwrap_or(0)
}

/// A crash between the rename and the commit leaves the file under its final name and no part file: it is done.
fn published(
    attempt: &Attempt,
    part_path: &Path,
    final_path: &Path,
    map: &SegmentMap,
) -> Result<Option<Finished>, Stop> {
    let disk = &attempt.engine.disk;
    if disk.is_taken(part_path)? || disk.length_of(final_path)? != map.length() {
        return Ok(None);
    }
    let (digest, verification) = attempt.look(|entry| (entry.digest.clone(), entry.verification))?;
    let length = map.length().unwrap_or(0);
    attempt.progress.set_length(Some(length));
    attempt.progress.restart_at(length);
    attempt.log(format!("{} had been published before the last stop", final_path.display()));
    let verification = verification.unwrap_or(Verification::Unverified);
    Ok(Some(Finished { path: final_path.to_owned(), digest, verification }))
}
