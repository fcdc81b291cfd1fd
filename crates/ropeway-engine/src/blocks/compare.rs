//! Reading a file and digesting its blocks. All of it blocks.

use ropeway_flow::disk::DiskError;
use ropeway_model::ByteRange;
use ropeway_store::Block;
use tokio_util::sync::CancellationToken;

/// Bytes read at a time; a block may be larger than what should be held in memory.
const BUFFER: usize = 64 << 10;

/// Reads at an offset until the buffer is full or the file ends, and returns the bytes read.
pub(crate) trait Read: Fn(&mut [u8], u64) -> Result<usize, DiskError> {}

impl<F: Fn(&mut [u8], u64) -> Result<usize, DiskError>> Read for F {}

/// The digests of `ranges` of a file. A range that the file does not reach to the end of is left out.
pub(crate) fn digest(read: impl Read, ranges: &[ByteRange]) -> Result<Vec<Block>, DiskError> {
    let mut buffer = vec![0; BUFFER];
    let mut blocks = Vec::with_capacity(ranges.len());
    for range in ranges {
        let digest = digest_one(&read, *range, &mut buffer)?;
        blocks.extend(digest.map(|digest| Block { range: *range, digest }));
    }
    Ok(blocks)
}

/// The ranges among the recorded `blocks` whose bytes are not those that were recorded; `None` once `cancel` fires.
pub(crate) fn compare(
    read: impl Read,
    blocks: &[Block],
    cancel: &CancellationToken,
) -> Result<Option<Vec<ByteRange>>, DiskError> {
    let mut buffer = vec![0; BUFFER];
    let mut damaged = Vec::new();
    for block in blocks {
        if cancel.is_cancelled() {
            return Ok(None);
        }
        if digest_one(&read, block.range, &mut buffer)? != Some(block.digest) {
            damaged.push(block.range);
        }
    }
    Ok(Some(damaged))
}

fn digest_one(read: &impl Read, range: ByteRange, buffer: &mut [u8]) -> Result<Option<[u8; 32]>, DiskError> {
    let mut hasher = blake3::Hasher::new();
    let mut offset = range.start();
    while offset < range.end() {
        let wanted = usize::try_from(range.end() - offset).unwrap_or(usize::MAX).min(buffer.len());
        let Some(piece) = buffer.get_mut(..wanted) else { break };
        let count = read(piece, offset)?;
        hasher.update(piece.get(..count).unwrap_or_default());
        if count < wanted {
            return Ok(None);
        }
        offset += count as u64;
    }
    Ok(Some(*hasher.finalize().as_bytes()))
}
