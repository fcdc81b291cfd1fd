//! Damaged blocks fetched again: into a nameless file aside first, and into the file only once they hash to what was
//! recorded. A crash leaves nothing beside the file, and at worst a block that is still damaged.

use std::{path::Path, sync::Arc};

use ropeway_drivers::Driver;
use ropeway_model::{ByteRange, JobId};
use ropeway_store::{Block, BlockChange, JobChange};

use super::{
    BlockReport,
    course::{Course, ProofStage},
    verify::{self, Subject},
};
use crate::{
    attempt,
    core::Core,
    disk::{DiskError, PartFile},
    download::{
        recheck,
        stretch::{self, Place},
    },
    engine::EngineError,
    throttle::{Bucket, Throttle},
};

/// Compares, fetches what is damaged again, and tells what is damaged still.
pub(crate) async fn repair(core: &Core, id: JobId) -> Result<BlockReport, EngineError> {
    let subject = verify::subject(core, id).await?;
    let report = verify::report(core, subject.clone()).await?;
    if report.damaged.is_empty() {
        return Ok(report);
    }
    if subject.is_complete {
        mend(core, &subject, &report.damaged).await?;
    } else {
        forget(core, &subject, &report.damaged).await?;
    }
    verify::report(core, verify::subject(core, id).await?).await
}

/// Takes damaged blocks of an unfinished file off what it has: the job fetches them when it goes on.
async fn forget(core: &Core, subject: &Subject, damaged: &[ByteRange]) -> Result<(), EngineError> {
    let Some(map) = core.store.segments(subject.id).await? else { return Ok(()) };
    let map = map.without(damaged);
    let kept: Vec<Block> = subject.blocks.iter().filter(|block| !damaged.contains(&block.range)).copied().collect();
    let mut change = JobChange::new(subject.id);
    change.durable = Some(map.written());
    change.blocks = Some(BlockChange::Replace(kept));
    change.log.push((core.clock.now(), format!("{} damaged blocks are to be fetched again", damaged.len())));
    let written = map.written();
    change.segments = Some(Some(map));
    core.journal.save(change).wait().await.map_err(EngineError::NotDurable)?;
    core.table.lock().update(subject.id, |entry| entry.counters().restart_at(written));
    core.changed.notify_one();
    Ok(())
}

/// Mends a complete file in its place.
async fn mend(core: &Core, subject: &Subject, damaged: &[ByteRange]) -> Result<(), EngineError> {
    let file = core.disk.open_part(&subject.path)?;
    if let Some(length) = subject.length
        && file.length()? > length
    {
        file.set_length(length)?;
    }
    let aside = core.disk.create_nameless(subject.path.parent().unwrap_or(Path::new("/")))?;
    let context = attempt::context(core, &subject.spec, core.stopping.child_token());
    let driver = core.drivers.for_download(&subject.remote.url).map_err(EngineError::Remote)?;
    let own = Arc::new(Bucket::new(subject.spec.rate_limit));
    let server = core.server_bucket(&subject.spec.host());
    let throttle = Throttle::new(own, server, Arc::clone(&core.downloads));
    let place = Place {
        context: &context,
        driver: &*driver as &dyn Driver,
        url: &subject.remote.url,
        throttle: &throttle,
        hosts: None,
    };
    let wanted: Vec<Block> = subject.blocks.iter().filter(|block| damaged.contains(&block.range)).copied().collect();
    let total = wanted.iter().map(|block| block.range.len()).sum();
    let under_way = core.proofs.begin(subject.id, ProofStage::Fetching, total);
    for block in &wanted {
        if fetch(&place, subject, *block, &*aside, &under_way.course).await? {
            copy(core, block.range, &aside, &file).await?;
        }
    }
    let sync = move || file.sync_data().and_then(|()| file.stamp());
    let synced = core.blocking.start(sync).await;
    let stamp = synced.map_err(|panic| EngineError::NotDurable(panic.to_string()))??;
    let line = format!("{} damaged stretches were fetched again", damaged.len());
    let mut change = JobChange::new(subject.id);
    change.log.push((core.clock.now(), line));
    // It is the file that was saved all the same.
    change.part_file = Some(Some(recheck::state(stamp, true, None)));
    core.journal.note(change);
    Ok(())
}

/// Fetches a block aside; `false` if it is not the one that was recorded.
async fn fetch(
    place: &Place<'_>,
    subject: &Subject,
    block: Block,
    aside: &dyn PartFile,
    course: &Course,
) -> Result<bool, EngineError> {
    let mut hasher = blake3::Hasher::new();
    let take = |offset: u64, bytes: &[u8]| {
        hasher.update(bytes);
        aside.write_at(bytes, offset - block.range.start())?;
        course.advance(bytes.len());
        Ok(true)
    };
    stretch::fetch(place, block.range, Some(&subject.remote.validator), take).await.map_err(
        |trouble| match trouble {
            stretch::Trouble::Driver(error) => EngineError::Remote(error),
            stretch::Trouble::Disk(error) => EngineError::Disk(error),
            stretch::Trouble::Held(_) => unreachable!("what the user asks for now is not held"),
        },
    )?;
    Ok(*hasher.finalize().as_bytes() == block.digest)
}

async fn copy(
    core: &Core,
    range: ByteRange,
    from: &Arc<dyn PartFile>,
    into: &Arc<dyn PartFile>,
) -> Result<(), EngineError> {
    /// Bytes copied at a time.
    const PIECE: usize = 256 << 10;
    let (from, into) = (Arc::clone(from), Arc::clone(into));
    let work = move || -> Result<(), DiskError> {
        let mut buffer = vec![0; PIECE];
        let mut done = 0;
        while done < range.len() {
            let wanted = usize::try_from(range.len() - done).unwrap_or(PIECE).min(PIECE);
            let Some(piece) = buffer.get_mut(..wanted) else { break };
            let count = from.read_at(piece, done)?;
            into.write_at(piece.get(..count).unwrap_or_default(), range.start() + done)?;
            if count == 0 {
                break;
            }
            done += count as u64;
        }
        Ok(())
    };
    let copied = core.blocking.start(work).await.map_err(|panic| EngineError::NotDurable(panic.to_string()))?;
    Ok(copied?)
}
