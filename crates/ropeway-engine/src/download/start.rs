//! The first try. One plain request whose body is kept, a name, a part file.

use std::{path::Path, sync::Arc};

use futures_util::stream;
use ropeway_drivers::{Driver, Probe};
use ropeway_flow::disk::{DiskError, PartFile};
use ropeway_model::{FailureCode, FileName, SafeUrl, SegmentMap, Transfer};
use ropeway_store::{BlockChange, Remote};
use tokio::time::Instant;

use super::{
    existing,
    ground::Ground,
    mirrors::{Mirrors, fall_back::failure_of_server, pieces},
    naming, page, proof,
    range_support::FirstAnswer,
    recheck,
    seam::Promises,
    small_file, soft,
    source::{Begin, Source},
    worker_error,
};
use crate::{
    attempt::{Attempt, Stop},
    hosts::HostKey,
};

/// No file system has a file that is shorter than this for its longest, and such a file is there before much else is: the
/// disk is not asked again for it.
const FITS_EVERYWHERE: u64 = 1 << 20;

/// Who fetches, the first answer, and what it told of the way.
type Answered = (Arc<dyn Driver>, Probe, FirstAnswer);

/// Begins at byte 0. With `had`, the part file of an earlier version, that is given up only for an answer that is a file;
/// who holds it has its name.
pub(super) async fn begin(attempt: &Attempt, mirrors: &Mirrors, had: Option<Arc<dyn PartFile>>) -> Result<Begin, Stop> {
    let Transfer::Download { into, name, .. } = &attempt.spec.transfer else {
        return Err(Stop::failed(FailureCode::Internal, "an upload was run as a download"));
    };
    let had_begun = had.is_some() || discard_earlier(attempt).await?;
    let ground = Ground::prepare(attempt, into).await?;
    if had.is_none()
        && let Some(finished) = existing::before_request(attempt, into).await?
    {
        return Ok(Begin::Published(finished));
    }
    let (driver, mut probe, first) = first_answer(attempt, mirrors).await?;
    if had.is_some() {
        drop(had);
        discard_earlier(attempt).await?;
    }
    let name = name.clone().unwrap_or_else(|| probe.name.clone());
    // Who takes the name meanwhile is noticed by whoever gives it to the file.
    if !ground.is_vacant(&name)
        && let Some(finished) = existing::after_answer(attempt, into, &name, &probe.validator).await?
    {
        return Ok(Begin::Published(finished));
    }
    let length = probe.validator.length;
    take_room(attempt, into, length, &ground).await?;
    if small_file::fits(attempt, &probe) {
        let pieces = small_file::read(attempt, probe.body, length.unwrap_or(0), &probe.url.host()).await?;
        attempt.land();
        let notes = existing::notes(attempt, &probe.url, &probe.validator);
        if let Some(finished) = small_file::save(attempt, pieces.clone(), into, &name, notes).await? {
            return Ok(Begin::Saved(finished));
        }
        // The file system wants a part file: it gets what has come.
        attempt.start_again();
        attempt.connect().await?;
        attempt.progress.restart_at(0);
        probe.body = Box::pin(stream::iter(pieces.into_iter().map(Ok)));
    }
    // Apart: a small file is saved without it, and its try is moved with little effort.
    Box::pin(into_part(attempt, into, name, (driver, probe, first), had_begun)).await
}

/// Begins a part file for an answer that is to be read.
async fn into_part(
    attempt: &Attempt,
    into: &Path,
    name: FileName,
    (driver, probe, first): Answered,
    had_begun: bool,
) -> Result<Begin, Stop> {
    let length = probe.validator.length;
    let (part_path, part) = naming::reserve(attempt, into, &name).await?;
    let remote = Remote {
        url: probe.url.clone(),
        name,
        validator: probe.validator.clone(),
        digest: probe.digest.clone(),
        is_renewed: false,
    };
    record(attempt, &remote, &part_path);
    let is_made_anew = worker_error::is_made_anew(&probe.validator, first.offers_ranges);
    let is_unnamed = worker_error::is_unnamed(&probe.validator);
    attempt.update(|entry| {
        entry.remote = Some(remote.into());
        entry.state.is_made_anew = is_made_anew || entry.state.is_made_anew && is_unnamed;
    });
    let source = Source {
        driver,
        url: probe.url,
        validator: probe.validator,
        announced: probe.digest,
        part,
        part_path,
        map: length.map_or_else(SegmentMap::open_ended, SegmentMap::whole),
        reopened: Vec::new(),
        proved: None,
        ledger: recheck::ledger(attempt, length, Vec::new()),
        promises: Promises::default(),
        first: Some(first),
        hashed: None,
        unsynced: 0,
        had_begun,
    };
    Ok(Begin::Source(Box::new(source), Some(probe.body)))
}

/// Records what the server has, and where it is saved.
fn record(attempt: &Attempt, remote: &Remote, part_path: &Path) {
    let line = format!("{} answered: {}, saved as {}", remote.url, remote.validator, part_path.display());
    let mut change = attempt.change(Some(line));
    change.remote = Some(Some(remote.clone()));
    attempt.engine.journal.note(change);
}

/// Promises the file's room to this job.
///
/// # Errors
/// [`DiskError::TooLong`] and [`DiskError::NoRoom`] where there is none.
async fn take_room(attempt: &Attempt, into: &Path, length: Option<u64>, ground: &Ground) -> Result<(), Stop> {
    attempt.progress.set_length(length);
    attempt.progress.restart_at(0);
    let Some(needed) = length else { return Ok(()) };
    if needed <= FITS_EVERYWHERE
        && let Some(free) = ground.free()
        && attempt.engine.promise_of(attempt.id, into, needed, free).is_ok()
    {
        return Ok(());
    }
    let folder = into.to_owned();
    let longest = attempt.on_disk(move |disk| disk.longest_file(&folder)).await?;
    if needed > longest {
        return Err(DiskError::TooLong { folder: into.to_owned(), needed, longest }.into());
    }
    let promised = attempt.engine.promise_room(attempt.id, into, needed).await;
    promised.map_err(|free| DiskError::NoRoom { folder: into.to_owned(), needed, free }.into())
}

/// The answer of the first mirror that gives one.
///
/// # Errors
/// Why the first one did not, where none does.
async fn first_answer(attempt: &Attempt, mirrors: &Mirrors) -> Result<Answered, Stop> {
    let (mut first_stop, mut is_still_wrong) = (None, false);
    // Where the rest of a file cannot be had anywhere, all of it may.
    mirrors.readmit_one();
    for url in mirrors.candidates().into_iter().chain(mirrors.wrong_before()) {
        match ask(attempt, &url).await {
            Ok((_, probe, _)) if mirrors.is_still_wrong(&url, &probe.validator) => {
                attempt.log(format!("{url} still has the version whose bytes did not have the checksum"));
                mirrors.leave(&url);
                is_still_wrong = true;
            }
            Ok((driver, probe, first)) => {
                mirrors.follow(&url, &probe.url, &probe.validator);
                mirrors.begin();
                return Ok((driver, probe, first));
            }
            Err(stop) => match failure_of_server(&stop).filter(|_| mirrors.are_several()) {
                None => return Err(stop),
                Some(failure) => {
                    attempt.log(format!("{url} is of no use: {}", failure.message));
                    mirrors.leave(&url);
                    first_stop.get_or_insert(stop);
                }
            },
        }
    }
    if is_still_wrong && first_stop.is_none() {
        let message = "no address has another version than the one whose bytes did not have the checksum: it is not read \
                       again before it or the checksum is another one";
        return Err(Stop::failed(FailureCode::DigestMismatch, message));
    }
    Err(first_stop.unwrap_or_else(|| Stop::failed(FailureCode::Internal, "there is no address to ask")))
}

async fn ask(attempt: &Attempt, url: &SafeUrl) -> Result<Answered, Stop> {
    let driver = attempt.engine.drivers.for_download(url)?;
    let Some(download) = driver.download() else {
        return Err(Stop::failed(FailureCode::SchemeUnsupported, format!("{url} cannot be downloaded from")));
    };
    let server = HostKey::of(url);
    let context = attempt.context();
    attempt.connect_to(&server).await?;
    attempt.engine.hosts.check_retry_after(url)?;
    let asked = Instant::now();
    let probe = tokio::select! {
        biased;
        () = attempt.cancel.cancelled() => return Err(Stop::Interrupted),
        probe = download.probe(&context, url) => probe,
    };
    let probe = probe.inspect_err(|error| attempt.host_session.refused(&server, error))?;
    let took = asked.elapsed();
    attempt.host_session.answered(&HostKey::of(&probe.url), took);
    page::refuse(attempt, url, &probe)?;
    if let Some(length) = probe.validator.length {
        proof::has_length(&attempt.spec, length)?;
    }
    pieces::refuse(&attempt.spec, url, &probe.validator)?;
    let first = FirstAnswer { took, handshake: probe.handshake, offers_ranges: probe.offers_ranges };
    Ok((driver, probe, first))
}

/// Forgets the earlier try before a new one begins; `true` if it had a part file.
async fn discard_earlier(attempt: &Attempt) -> Result<bool, Stop> {
    let Some(part) = attempt.look(|entry| entry.state.part_path.clone())? else { return Ok(false) };
    soft::forget(attempt).await?;
    attempt.on_disk(move |disk| disk.remove(&part)).await?;
    let mut change = attempt.change(None);
    change.part_path = Some(None);
    change.segments = Some(None);
    change.blocks = Some(BlockChange::Replace(Vec::new()));
    change.part_file = Some(None);
    change.remote = Some(None);
    change.digest = Some(None);
    change.durable = Some(0);
    attempt.engine.journal.note(change);
    attempt.progress.restart_at(0);
    attempt.update(|entry| {
        entry.state.part_path = None;
        entry.state.digest = None;
        entry.remote = None;
    });
    Ok(true)
}
