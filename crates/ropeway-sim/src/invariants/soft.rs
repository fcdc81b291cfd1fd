//! Invariants of soft checkpoints after a kill, which leaves the page cache as it was.

use ropeway_model::{ByteRange, SegmentMap};
use ropeway_store::{JobRow, PartFileState};

use super::{Queue, holds};
use crate::{
    disk::{File, SimDisk},
    plan::{Given, PlannedJob},
    server::Ranges,
    user::User,
};

/// Milliseconds whose bytes a kill may cost.
const WINDOW: u64 = 300;
/// Milliseconds of a file that is not worth a checkpoint, and one window.
const SHORT: u64 = 1_000 + WINDOW;

/// Checks what a process that starts now would believe.
pub(crate) fn check(user: &User, disk: &SimDisk, queue: &Queue) {
    let now = user.world.now();
    // Who sleeps records nothing, and writes nothing.
    let is_awake = user.world.woke() == 0 || user.world.woke() + WINDOW < now;
    for job in &user.jobs {
        let rows = queue.rows.iter().zip(&queue.maps).zip(&queue.parts);
        for ((row, map), state) in rows.filter(|((row, _), _)| job.is_of(row)) {
            let now = is_awake.then_some(now);
            if let Some(what) = look(disk, job, row, (map.as_ref(), state.as_ref()), now) {
                user.world.violate(what);
            }
        }
    }
}

fn look(
    disk: &SimDisk,
    job: &PlannedJob,
    row: &JobRow,
    (map, state): (Option<&SegmentMap>, Option<&PartFileState>),
    now: Option<u64>,
) -> Option<String> {
    let (part, remote) = (row.part_path.as_ref()?, row.remote.as_ref()?);
    // What has settled is all in the queue.
    if row.phase.is_terminal() || state.is_some_and(|state| state.is_settled) {
        return None;
    }
    let soft = disk.soft(row.id).filter(|soft| Some(soft.inode) == disk.inode(part)).map(|soft| soft.written);
    let soft = soft.unwrap_or_default();
    if job.remote.is_told_apart() && !job.remote.manner.mixes {
        let claims: Vec<_> = soft.iter().map(|range| range.start()..range.end()).collect();
        if !disk.look(part, |file| holds(job, &file.cache, &claims))? {
            return Some(format!("I3: {} is said to have {claims:?} in memory, and has not", part.display()));
        }
    }
    let empty = || remote.validator.length.map_or_else(SegmentMap::open_ended, SegmentMap::whole);
    let believed = map.cloned().unwrap_or_else(empty).with(&soft);
    let now = now?;
    let lost = disk.look(part, |file| lost(file, &believed, now))?;
    (is_plain(job) && !lost.is_empty())
        .then(|| format!("a kill costs {lost:?} of {}, which were there {WINDOW} ms before", part.display()))
}

/// `true` if only a kill has a reason to give up written bytes.
fn is_plain(job: &PlannedJob) -> bool {
    let manner = &job.remote.manner;
    job.remote.versions.len() == 1
        && job.others.is_empty()
        && job.given != Given::Wrong
        && !manner.mixes
        && manner.ranges == Ranges::Serves
}

/// Bytes that the killed process had written a while before and nobody believes now.
fn lost(file: &File, believed: &SegmentMap, now: u64) -> Vec<ByteRange> {
    let is_young = file.began.is_none_or(|began| began + SHORT > now);
    if is_young || file.has_lost {
        return Vec::new();
    }
    let old = file.writes.iter().filter(|(at, _)| at + WINDOW < now);
    let old: Vec<_> = old.filter_map(|(_, range)| ByteRange::new(range.start, range.end).ok()).collect();
    believed.with(&old).without(&believed.written_ranges()).written_ranges()
}
