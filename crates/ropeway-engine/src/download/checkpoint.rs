//! What is durably on disk: first the bytes, then the row that claims them. A crash may forget bytes, never invent them.

use std::{sync::Arc, time::Duration};

use ropeway_flow::{
    digest::Follower,
    disk::{DiskError, FileStamp},
};
use ropeway_model::{FailureCode, SegmentMap};
use ropeway_store::{Block, BlockChange, JobChange};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::{recheck, worker::SharedDownload};
use crate::{
    attempt::{Attempt, Stop},
    blocks,
};

/// Longest time for which a power cut may take bytes.
const WINDOW: Duration = Duration::from_secs(2);

/// Moment of a checkpoint within its try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// While workers write.
    Running,
    /// When the last of them has ended: from now on a change of the file is not ours.
    Settled,
}

/// Moments of checkpoints while workers write. What an earlier process wrote and did not sync has one at once: killed again
/// and again, it would gather.
pub(super) fn moments(job: &SharedDownload) -> Interval {
    let is_behind = job.progress.durable() < job.claims.written();
    let first = if is_behind { Instant::now() } else { Instant::now() + WINDOW };
    let mut moments = tokio::time::interval_at(first, WINDOW);
    moments.set_missed_tick_behavior(MissedTickBehavior::Delay);
    moments
}

/// Syncs the part file, then commits which bytes it holds, with their digests.
pub(super) async fn save(attempt: &Attempt, job: &SharedDownload, moment: Moment) -> Result<(), Stop> {
    // Taken before the map, which then covers it; and the map before the sync, which then covers that: what is written
    // meanwhile is claimed by neither.
    let hashed = job.follower.as_ref().and_then(Follower::saved);
    let map = job.in_place();
    let written = map.written();
    if written == 0 || (moment == Moment::Running && written == attempt.progress.durable()) {
        return Ok(());
    }
    let synced = sync(attempt, job, &map).await?;
    let mut change = attempt.change(None);
    change.part_file = Some(Some(recheck::state(synced.stamp, moment == Moment::Settled, hashed)));
    synced.add_to(&mut change);
    change.segments = Some(Some(map));
    change.durable = Some(written);
    attempt.save(change).await?;
    synced.commit(job);
    attempt.progress.set_durable(written);
    if moment == Moment::Settled {
        job.soft.close().await;
    }
    Ok(())
}

/// Bytes that a sync made durable.
pub(super) struct Synced {
    stamp: FileStamp,
    /// Digests of the blocks that became complete since the last checkpoint.
    blocks: Vec<Block>,
}

impl Synced {
    /// The file as it was then.
    pub(super) const fn stamp(&self) -> FileStamp {
        self.stamp
    }

    /// Takes the file as it is now. Its time of change was set since, and not a byte.
    pub(super) async fn look_again(&mut self, attempt: &Attempt, job: &SharedDownload) -> Result<(), Stop> {
        let part = Arc::clone(&job.part);
        self.stamp = attempt.on_disk(move |_| part.stamp()).await?;
        Ok(())
    }

    /// Has the digests committed with `change`.
    pub(super) fn add_to(&self, change: &mut JobChange) {
        if !self.blocks.is_empty() {
            change.blocks = Some(BlockChange::Add(self.blocks.clone()));
        }
    }

    /// Has it committed with `change` that nothing of ours is written to the file from here on.
    pub(super) fn settle(&self, change: &mut JobChange) {
        change.part_file = Some(Some(recheck::state(self.stamp, true, None)));
        self.add_to(change);
    }

    /// The digests are committed.
    pub(super) fn commit(&self, job: &SharedDownload) {
        if let Some(ledger) = &job.ledger {
            ledger.lock().record(&self.blocks);
        }
    }
}

/// Makes what was written durable, on a thread that may block, and digests the blocks that `map` completes while they
/// are still in memory.
pub(super) async fn sync(attempt: &Attempt, job: &SharedDownload, map: &SegmentMap) -> Result<Synced, Stop> {
    let (part, soft) = (Arc::clone(&job.part), job.soft.clone());
    let due = job.ledger.as_ref().map(|ledger| ledger.lock().due(map)).unwrap_or_default();
    let work = move || -> Result<Synced, DiskError> {
        let blocks = blocks::digest(|buffer: &mut [u8], offset| part.read_at(buffer, offset), &due)?;
        // Pages that did not get to the disk count as clean from here on: nobody is to believe that they are in memory.
        part.sync_data().inspect_err(|_| soft.close_here())?;
        Ok(Synced { stamp: part.stamp()?, blocks })
    };
    let synced = attempt.engine.blocking.start(work).await;
    Ok(synced.map_err(|panic| Stop::failed(FailureCode::Internal, panic.to_string()))??)
}
