//! What became of a part file between two tries: it is believed as far as what was recorded of it holds.
//!
//! A try that stopped in order left the file's length and time of change behind: if they are the same, nobody wrote to
//! it. After a crash they say nothing, and blocks near the places of the last writes are read back instead. Where either
//! tells of damage, every recorded block is compared, and only what differs is fetched again.

use std::sync::Arc;

use ropeway_flow::disk::{FileStamp, PartFile};
use ropeway_model::{ByteRange, FailureCode, HashedPrefix, SegmentMap, counted};
use ropeway_store::{Block, BlockChange, PartFileState, Remote};

use super::soft;
use crate::{
    attempt::{Attempt, Stop},
    blocks::{self, Ledger},
    config::Scope,
};

/// Blocks that are read back after a crash before the rest is believed.
const SAMPLE: usize = 16;

/// Part of a part file that can be built on.
pub(super) struct Checked {
    pub(super) map: SegmentMap,
    pub(super) ledger: Option<Ledger>,
    pub(super) hashed: Option<HashedPrefix>,
}

/// What was recorded says nothing, or that nothing is left.
pub(super) struct Worthless(pub(super) String);

/// Whether the blocks of a download are recorded: a queue keeps them for as long as the job is listed; a single `get`
/// forgets the job with its end and is compared with programs that record nothing.
pub(super) fn ledger(attempt: &Attempt, length: Option<u64>, blocks: Vec<Block>) -> Option<Ledger> {
    (attempt.engine.scope == Scope::Queue).then(|| Ledger::new(length, blocks))
}

/// The state of a part file as it is stored.
pub(crate) fn state(stamp: FileStamp, is_settled: bool, hashed: Option<HashedPrefix>) -> PartFileState {
    let modified_ns = i64::try_from(stamp.modified_ns).unwrap_or(i64::MAX);
    PartFileState { length: stamp.length, modified_ns, inode: Some(stamp.inode), is_settled, hashed }
}

/// What tells the file that `state` was recorded of from another one; `None` for one that was recorded without its number.
pub(crate) fn stamp(state: &PartFileState) -> Option<FileStamp> {
    Some(FileStamp { length: state.length, modified_ns: state.modified_ns.into(), inode: state.inode? })
}

/// Holds the part file against what was recorded of it, and records that it is being written again.
pub(super) async fn run(
    attempt: &Attempt,
    remote: &Remote,
    part: &Arc<dyn PartFile>,
    map: SegmentMap,
) -> Result<Result<Checked, Worthless>, Stop> {
    let store = &attempt.engine.store;
    let (saved, blocks) = match (store.part_file(attempt.id).await, store.blocks(attempt.id).await) {
        (Ok(saved), Ok(blocks)) => (saved, blocks),
        // Nothing vouches for the bytes any more.
        (Err(error), _) | (_, Err(error)) if error.is_damage() => {
            return Ok(Err(Worthless(format!("what was recorded of the part file cannot be used: {error}"))));
        }
        (Err(error), _) | (_, Err(error)) => return Err(Stop::failed(FailureCode::StateFailed, error.to_string())),
    };
    let mut ledger = Ledger::new(remote.validator.length, blocks);
    let stamp = stamp_of(attempt, part).await?;
    let suspicion = suspicion(saved.as_ref(), stamp, &map);
    let (map, is_hurt) = match suspicion {
        Suspicion::None => (map, false),
        Suspicion::Crash => {
            let damaged = damaged(attempt, part, ledger.sample(&map, SAMPLE)).await?;
            if damaged.is_empty() { (map, false) } else { (sound(attempt, part, &ledger, &map).await?, true) }
        }
        Suspicion::Edited | Suspicion::Cut if ledger.blocks().is_empty() => {
            let how = if suspicion == Suspicion::Cut { "is shorter than what was saved" } else { "was changed" };
            return Ok(Err(Worthless(format!("the part file {how} since"))));
        }
        Suspicion::Edited | Suspicion::Cut => (sound(attempt, part, &ledger, &map).await?, true),
    };
    ledger.keep_inside(&map);
    if is_hurt {
        soft::forget(attempt).await?;
        attempt.log(format!(
            "the part file was changed since; what still holds of it: {}",
            counted(map.written(), "byte")
        ));
    }
    let hashed = saved.and_then(|saved| saved.hashed).filter(|_| !is_hurt);
    let hashed = hashed.filter(|hashed| hashed.offset <= map.contiguous_prefix());
    let mut change = attempt.change(None);
    // From here on its time of change tells nothing: it is written to.
    change.part_file = Some(Some(state(stamp, false, hashed.clone())));
    if is_hurt {
        change.segments = Some(Some(map.clone()));
        change.durable = Some(map.written());
        change.blocks = Some(BlockChange::Replace(ledger.blocks()));
    }
    attempt.save(change).await?;
    let ledger = (attempt.engine.scope == Scope::Queue).then_some(ledger);
    Ok(Ok(Checked { map, ledger, hashed }))
}

/// Whether the complete `file` is the one that was proved when it got its name: nobody has written to it since, or every
/// block of it is as it was recorded.
pub(super) async fn is_as_proved(attempt: &Attempt, file: &Arc<dyn PartFile>, map: &SegmentMap) -> Result<bool, Stop> {
    let store = &attempt.engine.store;
    let unreadable = |error: ropeway_store::StoreError| Stop::failed(FailureCode::StateFailed, error.to_string());
    let saved = store.part_file(attempt.id).await.map_err(unreadable)?;
    if suspicion(saved.as_ref(), stamp_of(attempt, file).await?, map) == Suspicion::None {
        return Ok(true);
    }
    let blocks = store.blocks(attempt.id).await.map_err(unreadable)?;
    let recorded: u64 = blocks.iter().map(|block| block.range.len()).sum();
    Ok(recorded == map.written() && damaged(attempt, file, blocks).await?.is_empty())
}

/// What changes when the file does.
async fn stamp_of(attempt: &Attempt, file: &Arc<dyn PartFile>) -> Result<FileStamp, Stop> {
    let file = Arc::clone(file);
    attempt.on_disk(move |_| file.stamp()).await
}

/// What speaks against a part file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Suspicion {
    /// Nothing: it is as its last try left it.
    None,
    /// Its last try did not stop in order.
    Crash,
    /// Somebody wrote to it since its last try stopped.
    Edited,
    /// It ends before bytes that were saved.
    Cut,
}

fn suspicion(saved: Option<&PartFileState>, stamp: FileStamp, map: &SegmentMap) -> Suspicion {
    let reach = map.written_ranges().last().map_or(0, |range| range.end());
    let now = state(stamp, true, None);
    match saved {
        _ if stamp.length < reach => Suspicion::Cut,
        Some(saved) if !saved.is_settled => Suspicion::Crash,
        None => Suspicion::Crash,
        Some(saved) if (saved.length, saved.modified_ns) == (now.length, now.modified_ns) => Suspicion::None,
        Some(_) => Suspicion::Edited,
    }
}

/// The map without what does not hold: damaged blocks, and bytes that no digest vouches for.
async fn sound(
    attempt: &Attempt,
    part: &Arc<dyn PartFile>,
    ledger: &Ledger,
    map: &SegmentMap,
) -> Result<SegmentMap, Stop> {
    let blocks = ledger.blocks();
    let damaged = damaged(attempt, part, blocks.clone()).await?;
    let held: Vec<ByteRange> =
        blocks.into_iter().map(|block| block.range).filter(|range| !damaged.contains(range)).collect();
    Ok(map.only(&held))
}

async fn damaged(attempt: &Attempt, part: &Arc<dyn PartFile>, blocks: Vec<Block>) -> Result<Vec<ByteRange>, Stop> {
    let (part, cancel) = (Arc::clone(part), attempt.cancel.clone());
    let compare = move || blocks::compare(|buffer: &mut [u8], offset| part.read_at(buffer, offset), &blocks, &cancel);
    let compared = attempt.engine.blocking.start(compare).await;
    let compared = compared.map_err(|panic| Stop::failed(FailureCode::Internal, panic.to_string()))??;
    compared.ok_or(Stop::Interrupted)
}
