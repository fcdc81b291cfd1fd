//! Soft checkpoints of a download. They tell what was written since the last sync, for a process that starts in the
//! same boot.
//!
//! A killed process loses nothing of the page cache, so that what it wrote need not be synced to be there. Only a power
//! cut takes it: then the boot is another one, and the checkpoint in the store is all that is believed.

mod recorder;

use std::sync::Arc;

pub(super) use recorder::SoftLog;
use ropeway_flow::disk::{DiskError, PartFile};
use ropeway_model::{ByteRange, FailureCode, SegmentMap, counted};

use crate::{
    attempt::{Attempt, Stop},
    soft::SoftCheckpoint,
};

/// Bytes read and written again at a time.
const PIECE: usize = 1 << 20;

/// Checkpoint of an earlier process of this boot. `None` where it does not count.
pub(super) async fn left(attempt: &Attempt) -> Result<Option<SoftCheckpoint>, Stop> {
    let Some(files) = attempt.engine.soft.clone() else { return Ok(None) };
    let (id, boot) = (attempt.id, files.boot());
    let read = attempt.engine.blocking.start_brief(move || files.read(id)).await;
    let file = match read.map_err(|panic| Stop::failed(FailureCode::Internal, panic.to_string()))? {
        Ok(file) if file.is_empty() => return Ok(None),
        Ok(file) => file,
        Err(error) => {
            tracing::warn!(job = %id, %error, "soft checkpoint not read");
            Vec::new()
        }
    };
    let left = SoftCheckpoint::latest(&file).map(|(_, left)| left);
    // What has settled is all in the store, and tells by its time of change whether somebody has written to it since.
    let has_settled = match attempt.engine.store.part_file(id).await {
        Ok(saved) => saved.is_some_and(|saved| saved.is_settled),
        Err(_) => true,
    };
    let left = left.filter(|left| left.boot == boot).filter(|_| !has_settled);
    if left.is_none() {
        forget(attempt).await?;
    }
    Ok(left)
}

/// Bytes of `map`, and those that `left` claims of the same file.
///
/// They are written once more: where a sync had failed before the kill, the pages count as clean although the disk never
/// got them, and no later sync would bring them there.
pub(super) async fn believe(
    attempt: &Attempt,
    part: &Arc<dyn PartFile>,
    map: SegmentMap,
    left: SoftCheckpoint,
) -> Result<SegmentMap, Stop> {
    let (file, had, cancel) = (Arc::clone(part), map.clone(), attempt.cancel.clone());
    let work = move || -> Result<Option<SegmentMap>, DiskError> {
        let Some(more) = beyond(&had, &left, &*file)? else { return Ok(None) };
        for range in &more {
            if cancel.is_cancelled() || !write_again(&*file, *range)? {
                return Ok(None);
            }
        }
        Ok(Some(had.with(&more)))
    };
    let believed = attempt.engine.blocking.start(work).await;
    let believed = believed.map_err(|panic| Stop::failed(FailureCode::Internal, panic.to_string()))?;
    if attempt.cancel.is_cancelled() {
        return Err(Stop::Interrupted);
    }
    match believed {
        Ok(Some(all)) => {
            let more = all.written() - map.written();
            if more > 0 {
                attempt.log(format!("{} behind the last checkpoint were still in memory", counted(more, "byte")));
            }
            return Ok(all);
        }
        Ok(None) => {}
        // The checkpoint in the store does without these bytes.
        Err(error) => attempt.log(format!("what was in memory cannot be used: {error}")),
    }
    forget(attempt).await?;
    Ok(map)
}

/// Removes the job's soft checkpoint. What it says is not true from here on.
///
/// # Errors
/// [`FailureCode::StateFailed`] where it cannot be removed: it would be believed.
pub(super) async fn forget(attempt: &Attempt) -> Result<(), Stop> {
    let Some(files) = attempt.engine.soft.clone() else { return Ok(()) };
    let id = attempt.id;
    let removed = attempt.engine.blocking.start_brief(move || files.remove(id)).await;
    let removed = removed.map_err(|panic| Stop::failed(FailureCode::Internal, panic.to_string()))?;
    removed.map_err(|error| Stop::failed(FailureCode::StateFailed, error.to_string()))
}

/// Bytes that `left` claims beyond `map`; `None` where it was made of another file, or the file was cut since.
fn beyond(map: &SegmentMap, left: &SoftCheckpoint, part: &dyn PartFile) -> Result<Option<Vec<ByteRange>>, DiskError> {
    let stamp = part.stamp()?;
    let reach = left.written.last().map_or(0, |range| range.end());
    let fits = left.inode == stamp.inode && reach <= stamp.length.min(map.length().unwrap_or(u64::MAX));
    Ok(fits.then(|| map.with(&left.written).without(&map.written_ranges()).written_ranges()))
}

/// Writes the bytes of `range` where they are; `false` where the file ends before them.
fn write_again(part: &dyn PartFile, range: ByteRange) -> Result<bool, DiskError> {
    let mut buffer = vec![0; usize::try_from(range.len()).unwrap_or(PIECE).min(PIECE)];
    let mut at = range.start();
    while at < range.end() {
        let wanted = usize::try_from(range.end() - at).unwrap_or(PIECE).min(PIECE);
        let Some(piece) = buffer.get_mut(..wanted) else { return Ok(false) };
        if part.read_at(piece, at)? < wanted {
            return Ok(false);
        }
        part.write_at(piece, at)?;
        at += wanted as u64;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ropeway_flow::disk::{BootId, Disk as _, LocalDisk};

    fn range(start: u64, end: u64) -> ByteRange {
        ByteRange::new(start, end).unwrap()
    }

    #[test]
    fn only_what_was_recorded_of_this_very_file_and_is_in_it_counts() {
        let folder = tempfile::tempdir().unwrap();
        let part = LocalDisk.create_part(&folder.path().join("a.part")).unwrap();
        part.write_at(&[7; 900], 0).unwrap();
        let inode = part.stamp().unwrap().inode;
        let map = SegmentMap::whole(1000).with(&[range(0, 300), range(500, 600)]);
        let beyond = |map: &SegmentMap, inode, written: &[ByteRange]| {
            let left = SoftCheckpoint { boot: BootId([1; 16]), inode, written: written.to_vec() };
            beyond(map, &left, &*part).unwrap()
        };
        for (written, expected) in [
            (vec![range(0, 400), range(500, 900)], Some(vec![range(300, 400), range(600, 900)])),
            (vec![range(0, 200)], Some(Vec::new())),
            (vec![range(0, 901)], None),
            (vec![range(0, 1001)], None),
        ] {
            assert_eq!(beyond(&map, inode, &written), expected, "{written:?}");
        }
        assert_eq!(beyond(&map, inode + 1, &[range(0, 400)]), None, "another file has the name");
        assert_eq!(beyond(&SegmentMap::open_ended(), inode, &[range(0, 9)]), Some(vec![range(0, 9)]));
        assert_eq!(beyond(&SegmentMap::whole(800), inode, &[range(0, 900)]), None, "it ends before that");
    }

    #[test]
    fn bytes_are_written_where_they_are_and_not_beyond_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let part = LocalDisk.create_part(&folder.path().join("a.part")).unwrap();
        let bytes: Vec<u8> = (0..2 * PIECE + 5).map(|at| u8::try_from(at % 251).unwrap()).collect();
        part.write_at(&bytes, 0).unwrap();
        assert!(write_again(&*part, range(3, bytes.len() as u64)).unwrap());
        let mut read = vec![0; bytes.len() + 1];
        assert_eq!(part.read_at(&mut read, 0).unwrap(), bytes.len());
        assert_eq!(read[..bytes.len()], bytes);
        assert!(!write_again(&*part, range(0, bytes.len() as u64 + 1)).unwrap());
    }
}
