//! A later try. What is on disk is trusted as far as the store says, and no further.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use ropeway_drivers::{Context, DriverError};
use ropeway_flow::disk::{DiskError, PartFile};
use ropeway_model::{ByteRange, EntityTag, FailureCode, Retry, SafeUrl, SegmentMap, Transfer, Validation, Validator};
use ropeway_store::{Remote, Verification};

use super::{
    changes,
    overlap::{self, Overlap, RangeError},
    proof, recheck, renewed,
    seam::Promises,
    soft,
    source::{Begin, Source},
    way_back,
};
use crate::{
    attempt::{Attempt, Finished, Stop},
    config::Scope,
    hosts::HostKey,
};

/// Where a job with a past goes on. `None` begins at byte 0. Then `had` gets the part file, if what it holds is of
/// another version.
pub(super) async fn begin(attempt: &Attempt, had: &mut Option<Arc<dyn PartFile>>) -> Result<Option<Begin>, Stop> {
    let claimed = attempt.engine.claimed.lock().remove(&attempt.id);
    let (remote, part_path, final_path) =
        attempt.look(|entry| (entry.remote.clone(), entry.state.part_path.clone(), entry.state.final_path.clone()))?;
    let (Some(remote), Some(part_path)) = (remote, part_path) else { return Ok(None) };
    let paths = (part_path, final_path);
    Box::pin(go_on(attempt, Remote::clone(&remote), paths, claimed, had)).await
}

/// Goes on with the part file at `part_path`.
async fn go_on(
    attempt: &Attempt,
    mut remote: Remote,
    (part_path, final_path): (PathBuf, Option<PathBuf>),
    claimed: Option<Arc<dyn PartFile>>,
    had: &mut Option<Arc<dyn PartFile>>,
) -> Result<Option<Begin>, Stop> {
    let (stored, left) = (stored(attempt).await, soft::left(attempt).await?);
    let began =
        || left.is_some().then(|| remote.validator.length.map_or_else(SegmentMap::open_ended, SegmentMap::whole));
    let Some(map) = stored.or_else(began) else { return Ok(None) };
    if map.is_complete()
        && let Some(path) = &final_path
        && let Some(finished) = published(attempt, &part_path, path, &map).await?
    {
        return Ok(Some(Begin::Published(finished)));
    }
    if map.is_complete() && proof::is_disproved(attempt, remote.digest.as_ref())? {
        attempt.log("what is here does not have the checksum: starts again at byte 0".to_owned());
        // Until there is an answer it is all there is.
        *had = open(attempt, &part_path, claimed).await?;
        return Ok(None);
    }
    let Some(part) = open(attempt, &part_path, claimed).await? else { return Ok(None) };
    let durable = map.written();
    let map = match left {
        Some(left) => soft::believe(attempt, &part, map, left).await?,
        None => map,
    };
    let recheck::Checked { map, ledger, hashed } = match recheck::run(attempt, &remote, &part, map).await? {
        Ok(checked) => checked,
        Err(recheck::Worthless(line)) => {
            attempt.log(line);
            return Ok(None);
        }
    };
    take_room(attempt, &map).await?;
    let proved = if is_certain(&remote.validator) || map.is_complete() || remote.is_renewed {
        None
    } else if is_same(attempt, &mut remote, &part, &map).await? {
        Some(Validation::Overlap)
    } else {
        *had = Some(part);
        return Ok(None);
    };
    let (promises, reopened) = promises(attempt, &part, &map).await?;
    let driver = attempt.engine.drivers.for_download(&remote.url)?;
    if driver.download().is_none() {
        return Err(Stop::failed(FailureCode::SchemeUnsupported, format!("{} cannot be downloaded from", remote.url)));
    }
    attempt.progress.set_length(map.length());
    let unsynced = map.written().saturating_sub(durable);
    let mut source = Box::new(Source {
        driver,
        url: remote.url.clone(),
        validator: remote.validator.clone(),
        announced: remote.digest.clone(),
        part,
        part_path,
        map,
        reopened,
        proved,
        ledger,
        promises,
        first: None,
        hashed,
        unsynced,
        had_begun: true,
    });
    if remote.is_renewed && !leads_to_the_same(attempt, &mut source, &remote).await? {
        *had = Some(Arc::clone(&source.part));
        return Ok(None);
    }
    Ok(Some(Begin::Source(source, None)))
}

/// What is to be written behind the holes of `map`, and where that comes again.
async fn promises(
    attempt: &Attempt,
    part: &Arc<dyn PartFile>,
    map: &SegmentMap,
) -> Result<(Promises, Vec<ByteRange>), Stop> {
    // Digests of pieces tell by themselves where answers of two versions lie side by side.
    if attempt.spec.pieces.is_some() {
        return Ok((Promises::default(), Vec::new()));
    }
    let (part, map) = (Arc::clone(part), map.clone());
    attempt.on_disk(move |_| Promises::of(&*part, &map)).await
}

/// Whether a renewed link leads to the file whose bytes are here.
///
/// # Errors
/// [`FailureCode::RenewedLinkDiffers`] where a job of a queue has another file behind it.
async fn leads_to_the_same(attempt: &Attempt, source: &mut Source, remote: &Remote) -> Result<bool, Stop> {
    match renewed::prove(attempt, source, remote).await {
        // Of a link that was signed anew it was only likely that it leads to the same file: nobody said so.
        Err(stop) if attempt.engine.scope == Scope::Once && is_of_another_file(&stop) => {
            attempt.log("the new link leads to another file: starts again at byte 0".to_owned());
            Ok(false)
        }
        proved => proved.map(|()| true),
    }
}

/// The part file, unless it is gone: the one that is `claimed`, where that still has its name.
async fn open(
    attempt: &Attempt,
    path: &Path,
    claimed: Option<Arc<dyn PartFile>>,
) -> Result<Option<Arc<dyn PartFile>>, Stop> {
    let wanted = path.to_owned();
    let opened = attempt.on_disk(move |disk| {
        if let Some(part) = claimed
            && disk.open_source(&wanted).and_then(|named| named.stamp()).ok().map(|it| it.inode)
                == part.stamp().ok().map(|it| it.inode)
        {
            return Ok(Some(part));
        }
        match disk.open_part(&wanted) {
            Ok(part) => Ok(Some(part)),
            Err(DiskError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    });
    let part = opened.await?;
    if part.is_none() {
        attempt.log(format!("{} is gone", path.display()));
    }
    Ok(part)
}

/// Promises the room for what is missing to this job: what was promised to it before ended with its last try.
///
/// # Errors
/// [`DiskError::NoRoom`] where there is none.
async fn take_room(attempt: &Attempt, map: &SegmentMap) -> Result<(), Stop> {
    let Transfer::Download { into, .. } = &attempt.spec.transfer else { return Ok(()) };
    attempt.progress.set_length(map.length());
    attempt.progress.restart_at(map.written());
    let Some(needed) = map.length().map(|length| length - map.written()) else { return Ok(()) };
    let promised = attempt.engine.promise_room(attempt.id, into, needed).await;
    promised.map_err(|free| DiskError::NoRoom { folder: into.clone(), needed, free }.into())
}

fn is_of_another_file(stop: &Stop) -> bool {
    matches!(stop, Stop::Failed { failure, .. } if failure.code == FailureCode::RenewedLinkDiffers)
}

/// What the store has of the segments.
async fn stored(attempt: &Attempt) -> Option<SegmentMap> {
    let stored = attempt.engine.store.segments(attempt.id).await;
    stored.unwrap_or_else(|error| {
        attempt.log(format!("what was saved of the segments cannot be used: {error}"));
        None
    })
}

/// Whether a later answer tells by itself that it is of the same version: by a strong tag, or by length and a date that
/// stands for one version only.
fn is_certain(validator: &Validator) -> bool {
    validator.entity_tag.as_ref().is_some_and(EntityTag::is_strong)
        || (validator.length.is_some() && validator.last_modified.is_some() && validator.last_modified_is_strong)
}

/// Where nothing else tells: whether the server still sends the bytes that are on disk. Where a redirect led to may be no
/// place any more: then the user's own address is asked, and stands in `remote`.
async fn is_same(
    attempt: &Attempt,
    remote: &mut Remote,
    part: &Arc<dyn PartFile>,
    map: &SegmentMap,
) -> Result<bool, Stop> {
    if attempt.look(|entry| entry.state.is_made_anew)? {
        // Each further request lets the server begin again: the next one is the plain one.
        attempt.log("the server makes the file for whoever asks: asks for all of it".to_owned());
        return Ok(false);
    }
    let mut compared = compare(attempt, &attempt.context(), &remote.url, part, map).await;
    let tired = tired(&compared, &remote.url);
    if let Err(error @ (RangeError::Driver(_) | RangeError::RetryAfter(_))) = &compared
        && !matches!(error, RangeError::Driver(DriverError::Canceled))
        && let Some(own) = way_back::own_address(attempt, &remote.url)
        && tired.as_ref() != Some(&HostKey::of(&own))
    {
        attempt.log(format!("{} is of no use; asks {own} again", remote.url));
        attempt.repeat().await?;
        let is_asked_meanwhile = tired.is_some();
        let context = tired.map_or_else(|| attempt.context(), |tired| attempt.context_without(tired));
        let again = compare(attempt, &context, &own, part, map).await;
        // Whoever is only busy is waited for, unless another place has the bytes that are here.
        if !is_asked_meanwhile || matches!(again, Ok(Overlap::Same(_))) {
            (remote.url, compared) = (own, again);
        }
    }
    let is_told = matches!(compared, Ok(Overlap::Same(_) | Overlap::Different { .. }));
    let (is_same, line) = match compared {
        Ok(Overlap::Same(now)) if remote.validator.compare(&now) != Validation::Changed => {
            (true, "the bytes before the first hole came again and are the same".to_owned())
        }
        Ok(Overlap::Same(now)) => (false, format!("the server has another version now: {now}")),
        Ok(Overlap::Different { at }) => (false, format!("the server sends other bytes from byte {at} on")),
        Ok(Overlap::Nothing) => (false, "nothing was saved that could be compared".to_owned()),
        Err(RangeError::Driver(DriverError::RangeIgnored { .. } | DriverError::RangeUnsatisfiable { .. })) => {
            (false, "the server gave nothing to recognise the file by".to_owned())
        }
        Err(error) => {
            let stop = error.into();
            if !way_back::is_asked_plainly(attempt, &stop) {
                return Err(stop);
            }
            (false, "the server does not serve the rest of the file".to_owned())
        }
    };
    attempt.log(line);
    if is_told && !is_same {
        changes::note(attempt)?;
    }
    let verdict = match (is_same, map.written()) {
        (true, _) => Some(Validation::Overlap),
        (false, 0) => None,
        (false, _) => Some(Validation::Changed),
    };
    if let Some(verdict) = verdict {
        let mut change = attempt.change(None);
        change.validation = Some(verdict);
        attempt.engine.journal.note(change);
        attempt.update(|entry| entry.state.validation = Some(verdict));
    }
    Ok(is_same)
}

/// The server at `url`, if it wants to be left alone.
fn tired(compared: &Result<Overlap, RangeError>, url: &SafeUrl) -> Option<HostKey> {
    let is_tired = match compared {
        Err(RangeError::Driver(error)) => {
            error.code() == FailureCode::RateLimited || matches!(error.retry(), Retry::After(_))
        }
        Err(RangeError::RetryAfter(_)) => true,
        Err(RangeError::Disk(_)) | Ok(_) => false,
    };
    is_tired.then(|| HostKey::of(url))
}

async fn compare(
    attempt: &Attempt,
    context: &Context,
    url: &SafeUrl,
    part: &Arc<dyn PartFile>,
    map: &SegmentMap,
) -> Result<Overlap, RangeError> {
    let driver = attempt.engine.drivers.for_download(url)?;
    overlap::compare(&attempt.range_source(context, &*driver, url), &**part, map).await
}

/// A crash between the rename and the commit leaves the file under its final name and no part file: it is done, if it is
/// the file that was proved. Another job may have been allowed to put its own there since.
async fn published(
    attempt: &Attempt,
    part_path: &Path,
    final_path: &Path,
    map: &SegmentMap,
) -> Result<Option<Finished>, Stop> {
    let (part, path, length) = (part_path.to_owned(), final_path.to_owned(), map.length());
    let file = attempt.on_disk(move |disk| {
        let is_it = !disk.is_taken(&part)? && disk.length_of(&path)? == length;
        if is_it { disk.open_part(&path).map(Some) } else { Ok(None) }
    });
    let Some(file) = file.await? else { return Ok(None) };
    if !recheck::is_as_proved(attempt, &file, map).await? {
        attempt.log(format!("{} is another file", final_path.display()));
        return Ok(None);
    }
    // Whoever renamed it may have ended before the name was durable: it is not claimed before.
    let stamp = attempt.on_disk(move |_| file.sync_data().and_then(|()| file.stamp())).await?;
    let stamp = Some(stamp);
    let (digest, verification) = attempt.look(|entry| (entry.state.digest.clone(), entry.state.verification))?;
    let length = map.length().unwrap_or(0);
    attempt.progress.set_length(Some(length));
    attempt.progress.restart_at(length);
    attempt.log(format!("{} had been published before the last stop", final_path.display()));
    let verification = verification.unwrap_or(Verification::Unverified);
    Ok(Some(Finished { path: final_path.to_owned(), digest, verification, stamp }))
}
