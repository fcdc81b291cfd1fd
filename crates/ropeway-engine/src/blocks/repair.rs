//! Damaged blocks fetched again. They go into a nameless file aside first, and into the file only once they hash to
//! what was recorded. A crash leaves nothing beside the file, and at worst a block that is still damaged.

use std::{path::Path, sync::Arc};

use ropeway_drivers::{Driver, DriverError};
use ropeway_flow::{
    disk::{DiskError, PartFile},
    throttle::{Bucket, Throttle},
};
use ropeway_model::{ByteRange, JobId, SafeUrl};
use ropeway_store::{Block, BlockChange, JobChange};

use super::{
    BlockReport,
    verify::{self, Subject},
    verify_progress::{ProofStage, VerifyProgress},
};
use crate::{
    attempt,
    core::Core,
    download::{
        range_fetch::{self, RangeError, RangeSource},
        recheck,
    },
    engine::EngineError,
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
    let (disk, path, length) = (Arc::clone(&core.disk), subject.path.clone(), subject.length);
    let open = move || {
        let file = disk.open_part(&path)?;
        if let Some(length) = length
            && file.length()? > length
        {
            file.set_length(length)?;
        }
        let aside = disk.create_nameless(path.parent().unwrap_or(Path::new("/")))?;
        Ok::<_, DiskError>((file, aside))
    };
    let opened = core.blocking.start(open).await;
    let (file, aside) = opened.map_err(|panic| EngineError::NotDurable(panic.to_string()))??;
    let mut wanted: Vec<Block> =
        subject.blocks.iter().filter(|block| damaged.contains(&block.range)).copied().collect();
    let total = wanted.iter().map(|block| block.range.len()).sum();
    let guard = core.proofs.begin(subject.id, ProofStage::Fetching, total);
    let mut first_trouble = None;
    for url in addresses(subject) {
        let asked = fetch_all(core, subject, url, &mut wanted, (&aside, &file), &guard.progress).await;
        match asked {
            Err(EngineError::Remote(DriverError::Canceled)) => return Err(EngineError::Remote(DriverError::Canceled)),
            Err(EngineError::Remote(error)) => {
                tracing::debug!(%url, %error, "damaged blocks are not to be had there");
                first_trouble.get_or_insert(error);
            }
            asked => asked?,
        }
        if wanted.is_empty() {
            break;
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
    match first_trouble {
        Some(error) if !wanted.is_empty() => Err(EngineError::Remote(error)),
        _ => Ok(()),
    }
}

/// Where the file is to be had: where it came from may be no place any more, and the digest of a block proves it whoever
/// sends it.
fn addresses(subject: &Subject) -> Vec<&SafeUrl> {
    let mut all: Vec<&SafeUrl> = Vec::new();
    for url in [subject.spec.address()].into_iter().chain(&subject.spec.mirrors).chain([&subject.remote.url]) {
        if !all.contains(&url) {
            all.push(url);
        }
    }
    all
}

/// Takes those of the `wanted` blocks that come from `url` as they were recorded off the list, and writes them into the
/// file by way of the one aside.
async fn fetch_all(
    core: &Core,
    subject: &Subject,
    url: &SafeUrl,
    wanted: &mut Vec<Block>,
    (aside, file): (&Arc<dyn PartFile>, &Arc<dyn PartFile>),
    progress: &VerifyProgress,
) -> Result<(), EngineError> {
    let context = attempt::context(core, &subject.spec, core.stopping.child_token());
    let driver = core.drivers.for_download(url).map_err(EngineError::Remote)?;
    let own = Arc::new(Bucket::new(subject.spec.rate_limit));
    let server = core.server_bucket(&url.host());
    let throttle = Throttle::new(own, server, Arc::clone(&core.downloads));
    let source =
        RangeSource { context: &context, driver: &*driver as &dyn Driver, url, throttle: &throttle, hosts: None };
    let mut damaged = Vec::new();
    for (at, block) in wanted.iter().enumerate() {
        match fetch(&source, subject, *block, &**aside, progress).await {
            Ok(true) => copy(core, block.range, aside, file).await?,
            Ok(false) => damaged.push(*block),
            Err(error) => {
                damaged.extend(wanted.iter().skip(at));
                *wanted = damaged;
                return Err(error);
            }
        }
    }
    *wanted = damaged;
    Ok(())
}

/// Fetches a block aside; `false` if it is not the one that was recorded.
async fn fetch(
    source: &RangeSource<'_>,
    subject: &Subject,
    block: Block,
    aside: &dyn PartFile,
    progress: &VerifyProgress,
) -> Result<bool, EngineError> {
    let mut hasher = blake3::Hasher::new();
    let take = |offset: u64, bytes: &[u8]| {
        hasher.update(bytes);
        aside.write_at(bytes, offset - block.range.start())?;
        progress.advance(bytes.len());
        Ok(true)
    };
    // Another place may have other words for the same version.
    let valid = (*source.url == subject.remote.url).then_some(&subject.remote.validator);
    range_fetch::fetch_range(source, block.range, valid, take).await.map_err(|error| match error {
        RangeError::Driver(error) => EngineError::Remote(error),
        RangeError::Disk(error) => EngineError::Disk(error),
        RangeError::RetryAfter(_) => unreachable!("what the user asks for now is not held"),
    })?;
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
