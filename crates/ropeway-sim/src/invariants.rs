//! What must hold after every end of a process, however it came.

pub(crate) mod soft;
mod upload;

use std::{ops::Range, path::Path};

use futures_util::FutureExt as _;
use ropeway_engine::Scope;
use ropeway_model::{FailureCode, JobId, OnConflict, Phase, PhaseKind, SegmentMap, Wish};
use ropeway_store::{JobRow, PartFileState, Store, UploadState};

use crate::{
    content,
    disk::{File, SimDisk},
    plan::{Given, PlannedJob},
    server::Remote,
    user::{User, number},
};

/// The most bytes of answers in memory at once: what sixteen connections hold of a mebibyte each.
const MOST_HELD: u64 = 16 << 20;
/// The most requests for one job, however the run went: each break costs one, and there are not more than these.
const MOST_REQUESTS: u64 = 4_000;
/// Under a limit each of them brings at least this much, and a file may be begun a few times from each of its addresses:
/// where the digest that the user gave is wrong, each is tried alone, at each of the user's retries.
const PORTION: u64 = 1024;

/// What the queue says when nobody has it open.
pub(crate) struct Queue {
    pub(crate) rows: Vec<JobRow>,
    maps: Vec<Option<SegmentMap>>,
    parts: Vec<Option<PartFileState>>,
    uploads: Vec<(JobId, UploadState)>,
}

impl Queue {
    /// Reads it.
    ///
    /// # Errors
    /// What the store says: nothing that a run does may damage the queue.
    pub(crate) fn read(store: &Store) -> Result<Self, String> {
        // Nobody else has a turn, so that no call waits.
        let rows =
            store.jobs().now_or_never().ok_or("the queue waits for somebody")?.map_err(|error| error.to_string())?;
        let maps = rows.iter().map(|row| {
            let map = store.segments(row.id).now_or_never().ok_or("the queue waits for somebody")?;
            map.map_err(|error| error.to_string())
        });
        let parts = rows.iter().map(|row| {
            let part = store.part_file(row.id).now_or_never().ok_or("the queue waits for somebody")?;
            part.map_err(|error| error.to_string())
        });
        let uploads = store.uploads().now_or_never().ok_or("the queue waits for somebody")?;
        Ok(Self {
            maps: maps.collect::<Result<_, String>>()?,
            parts: parts.collect::<Result<_, String>>()?,
            uploads: uploads.map_err(|error| error.to_string())?,
            rows,
        })
    }
}

/// Checks what the queue and the disk hold now.
pub(crate) fn check(user: &mut User, disk: &SimDisk, queue: &Queue) {
    let mut wrong = Vec::new();
    for (at, job) in user.jobs.iter().enumerate() {
        let rows = queue.rows.iter().zip(&queue.maps).zip(&queue.parts);
        let mut found = rows.filter(|((row, _), _)| job.is_of(row)).peekable();
        if user.scope == Scope::Queue {
            wrong.extend(promised(user, at, found.peek().map(|((row, _), _)| *row)));
        }
        for ((row, map), part) in found {
            wrong.extend(claimed(disk, job, row, map.as_ref(), part.as_ref()));
            wrong.extend(named(row));
        }
    }
    disk.each(|path, file| wrong.extend(published(user, path, &file.cache)));
    for at in 0..user.known.len() {
        let row = queue.rows.iter().find(|row| user.scope == Scope::Queue && user.is_of(at, row));
        wrong.extend(ended(user, at, row));
    }
    for job in &user.jobs {
        let requests = job.urls().map(|url| user.server.requests(url)).sum::<u64>();
        let longest = job.versions().map(|version| version.bytes.len() as u64).max().unwrap_or(0);
        if requests > MOST_REQUESTS + job.urls().count() as u64 * (longest / PORTION) {
            wrong.push(format!("I7: {} was asked {requests} times", job.url));
        }
    }
    wrong.extend(upload::wrong(user, queue));
    let held = user.server.most_held();
    if held > MOST_HELD {
        wrong.push(format!("I8: {held} bytes of answers were in memory at once"));
    }
    for what in wrong {
        user.world.violate(what);
    }
}

/// I4: an end that was reached stays.
fn ended(user: &mut User, at: usize, row: Option<&JobRow>) -> Option<String> {
    let kind =
        row.map(|row| row.phase.kind()).filter(|kind| matches!(kind, PhaseKind::Completed | PhaseKind::Canceled));
    let before = user.known[at].ended;
    user.known[at].ended = kind.or(before);
    let (before, row) = (before?, row?);
    (kind != Some(before)).then(|| format!("I4: {} had ended {before:?} and is {:?}", user.url(at), row.phase.kind()))
}

/// I4: what the user was told is true.
fn promised(user: &User, at: usize, row: Option<&JobRow>) -> Option<String> {
    let (url, known) = (user.url(at), &user.known[at]);
    match row {
        None if known.is_acknowledged && !known.is_removed && !known.may_be_removed => {
            Some(format!("I4: {url} was acknowledged and is not in the queue"))
        }
        Some(_) if known.is_removed => Some(format!("I4: {url} was removed and is in the queue")),
        // A job at its end keeps the wish it ended with.
        Some(row) if row.phase.is_terminal() => None,
        Some(row) if known.is_acknowledged && !known.wishes.contains(&number(row.wish)) => {
            Some(format!("I4: {} has the wish {:?}, which nobody has", url, row.wish))
        }
        _ => None,
    }
}

/// I3: every byte that the queue claims is on the disk and right.
fn claimed(
    disk: &SimDisk,
    job: &PlannedJob,
    row: &JobRow,
    map: Option<&SegmentMap>,
    state: Option<&PartFileState>,
) -> Option<String> {
    let (Some(map), Some(part)) = (map, &row.part_path) else { return None };
    if row.phase.is_terminal() || map.written() == 0 {
        return None;
    }
    // Renamed already, and the last commit is still to come.
    let path = row
        .final_path
        .as_ref()
        .filter(|path| map.is_complete() && disk.look(part, |_| ()).is_none() && disk.look(path, |_| ()).is_some());
    let path = path.unwrap_or(part);
    if path != part && !disk.look(path, |file| is_as_left(file, state)).unwrap_or(false) {
        // Another job was allowed to put its file there: nothing is claimed of that.
        return None;
    }
    // Wrong bytes behind a hole show themselves once that is filled.
    if !job.remote.is_told_apart() || job.remote.manner.mixes {
        return None;
    }
    let claims: Vec<_> = map.written_ranges().iter().map(|range| range.start()..range.end()).collect();
    // Removed before its row says so, as on a start from byte 0: the next try finds it gone.
    let is_true = disk.look(path, |file| holds(job, &file.platter, &claims)).unwrap_or(true);
    (!is_true).then(|| format!("I3: the queue claims {claims:?} of {}, which are not on the disk", path.display()))
}

/// `true` if `bytes` of a part file are right wherever they are claimed.
fn holds(job: &PlannedJob, bytes: &[u8], claims: &[Range<u64>]) -> bool {
    let index = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    let claims = claims.iter().map(|range| index(range.start)..index(range.end));
    if job.is_proved_in_the_end() {
        // Each byte is there as one of the job's servers sends it.
        return claims.flatten().all(|at| {
            let byte = bytes.get(at);
            byte.is_some() && job.versions().any(|version| version.bytes.get(at) == byte)
        });
    }
    let claims: Vec<_> = claims.collect();
    job.versions().any(|version| {
        claims.iter().all(|range| {
            let on_disk = bytes.get(range.clone());
            on_disk.is_some() && on_disk == version.bytes.get(range.clone())
        })
    })
}

/// Whether a file with its final name is the one that was recorded before it got that.
fn is_as_left(file: &File, state: Option<&PartFileState>) -> bool {
    state.is_some_and(|state| {
        state.is_settled
            && state.length == file.cache.len() as u64
            && state.modified_ns == i64::try_from(file.modified).unwrap_or(i64::MAX).saturating_mul(1_000_000)
    })
}

/// I9: every failure has a code and a sentence, and none is a defect of ours.
fn named(row: &JobRow) -> Option<String> {
    let failure = match &row.phase {
        Phase::Failed { failure } | Phase::Blocked { failure, .. } | Phase::LinkExpired { failure } => failure,
        Phase::Waiting { cause, .. } => cause,
        _ => return None,
    };
    (failure.code == FailureCode::Internal || failure.message.is_empty()).then(|| format!("I9: {failure}"))
}

/// I1 and I2: what has a final name is the user's own or exactly one version of a file.
fn published(user: &User, path: &Path, bytes: &[u8]) -> Option<String> {
    if path.extension().is_some_and(|extension| extension == "part") || bytes == users_bytes() {
        return None;
    }
    let is_blind = user.jobs.iter().any(|job| !job.remote.is_told_apart() && is_named_after(job, path));
    let is_whole = |job: &PlannedJob| job.versions().any(|version| version.bytes == bytes);
    (!is_blind && !user.jobs.iter().any(is_whole))
        .then(|| format!("I2: {} has {} bytes of no version", path.display(), bytes.len()))
}

fn is_named_after(job: &PlannedJob, path: &Path) -> bool {
    let name = job.spec.display_name();
    let stem = name.trim_end_matches(".bin");
    path.file_name().is_some_and(|shown| shown.to_string_lossy().starts_with(stem))
}

/// What the user's own files hold.
pub(crate) fn users_bytes() -> &'static [u8] {
    content::bytes(99, 0, 1234)
}

/// Checks the end of a run, when nothing had been breaking for hours.
pub(crate) fn check_end(user: &User, disk: &SimDisk, queue: &Queue, users_files: &[std::path::PathBuf]) {
    let overwrites = user.known.iter().any(|known| known.may_overwrite);
    for file in users_files {
        let is_kept = disk.look(file, |file| file.cache == users_bytes()).unwrap_or(false);
        if !is_kept && !overwrites {
            user.world.violate(format!("I1: the user's own {} is gone", file.display()));
        }
    }
    upload::check_end(user, queue);
    for (job, known) in
        user.jobs.iter().zip(&user.known).filter(|(_, known)| !known.is_removed && !known.may_be_removed)
    {
        let (phase, final_path, wish) = if user.scope == Scope::Once {
            let Some((phase, final_path)) = &known.last else { continue };
            (phase, final_path, Wish::Run)
        } else {
            let Some(row) = queue.rows.iter().find(|row| job.is_of(row)) else { continue };
            (&row.phase, &row.final_path, row.wish)
        };
        let is_right = match (phase, wish) {
            (Phase::Completed, _) => {
                // A file that is proved has the bytes that were promised.
                let is_promised = |file: &File| job.given != Given::Right || file.cache == job.remote.versions[0].bytes;
                let is_there = final_path.as_ref().is_some_and(|path| disk.look(path, is_promised).unwrap_or(false));
                let may_be_gone = overwrites || known.may_be_deleted;
                if !is_there && !may_be_gone {
                    user.world.violate(format!("I1: {} is completed and has no file, or a wrong one", job.url));
                }
                is_there || may_be_gone
            }
            (Phase::Canceled, wish) => wish == Wish::Cancel,
            (Phase::Failed { failure } | Phase::Blocked { failure, .. } | Phase::LinkExpired { failure }, _) => {
                may_fail(&job.remote, job, user.scope, failure.code)
            }
            _ => false,
        };
        if !is_right {
            user.world.violate(format!("I4: {} ends as {phase:?} ({known:?})", job.url));
        }
    }
}

/// Whether a job may fail although nothing breaks.
fn may_fail(remote: &Remote, job: &PlannedJob, scope: Scope, code: FailureCode) -> bool {
    remote.manner.is_once
        || (job.given == Given::Wrong && code == FailureCode::DigestMismatch)
        // Nobody is asked at a terminal.
        || (code == FailureCode::FileExists
            && (job.spec.on_conflict == OnConflict::Fail
                || (job.spec.on_conflict == OnConflict::Ask && scope == Scope::Once)))
        // A wrong link led to another file.
        || (job.links.len() > 1 && matches!(code, FailureCode::RenewedLinkDiffers | FailureCode::DigestMismatch))
        // What the server mixed in is seen by the first who sends the file's own bytes; nobody can tell which are.
        || (!job.links.is_empty() && remote.manner.mixes && code == FailureCode::RenewedLinkDiffers)
}
