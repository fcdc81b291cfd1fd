//! From the network to the draft, with the disk and the network busy at the same time.

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use ropeway_flow::shares::{Share, Shares};
use ropeway_model::Chunks;
use tokio::task::JoinHandle;

use super::draft::Draft;
use crate::refusal::Refusal;

/// Bytes that all uploads together gather; each has as much again under way to the disk.
const ALL_BYTES: usize = 16 * 1024 * 1024;
/// Bytes that one upload gathers at least.
const LEAST_BYTES: usize = 16 * 1024;
/// Bytes that one upload gathers at most: large enough that system calls cost nothing against copying.
const MOST_BYTES: usize = 256 * 1024;

/// Memory in which uploads gather what they write at once.
pub(crate) fn batches() -> Shares {
    Shares::new(ALL_BYTES, LEAST_BYTES..=MOST_BYTES)
}

/// Writes all `chunks` into the draft. One batch is being written while the next one arrives.
///
/// # Errors
/// What the stream refuses, [`Refusal::TooLarge`] beyond `most` bytes, or what the disk refuses. The draft is gone then.
pub(super) async fn write_all(
    draft: Draft,
    chunks: &mut (impl Stream<Item = Result<Bytes, Refusal>> + Unpin),
    most: Option<u64>,
    batches: &Shares,
) -> Result<Draft, Refusal> {
    let size = batches.take();
    let mut left = most.unwrap_or(u64::MAX);
    let mut draft = Turn::Ours(draft);
    loop {
        let batch = gather(chunks, &mut left, &size).await;
        // Waited for even if there is no batch, so that a refused upload is gone when the client reads of it.
        let ours = draft.wait().await?;
        let batch = batch?.take();
        if batch.is_empty() {
            return Ok(ours);
        }
        draft = Turn::Writing(tokio::task::spawn_blocking(move || {
            let mut draft = ours;
            draft.append(&batch)?;
            Ok(draft)
        }));
    }
}

/// Who has the draft: we, or the thread that writes. If the upload is cut meanwhile, the thread drops it.
enum Turn {
    Ours(Draft),
    Writing(JoinHandle<Result<Draft, Refusal>>),
}

impl Turn {
    async fn wait(self) -> Result<Draft, Refusal> {
        match self {
            Self::Ours(draft) => Ok(draft),
            Self::Writing(writing) => writing.await.map_err(|_| Refusal::DiskFailed)?,
        }
    }
}

/// The next batch; empty at the end.
async fn gather(
    chunks: &mut (impl Stream<Item = Result<Bytes, Refusal>> + Unpin),
    left: &mut u64,
    size: &Share,
) -> Result<Chunks, Refusal> {
    let mut batch = Chunks::default();
    while batch.len() < size.bytes() {
        let Some(chunk) = chunks.next().await.transpose()? else { break };
        *left = left.checked_sub(chunk.len() as u64).ok_or(Refusal::TooLarge)?;
        batch.push(chunk);
    }
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_uploads_gather_little_more_than_a_hundred() {
        for (uploads, most) in [(1, MOST_BYTES), (50, ALL_BYTES), (100, ALL_BYTES), (1_000, ALL_BYTES)] {
            let batches = batches();
            let entered: Vec<_> = (0..uploads).map(|_| batches.take()).collect();
            let all: usize = entered.iter().map(Share::bytes).sum();
            assert!(all <= most, "{uploads}: {all}");
            drop(entered);
            assert_eq!(batches.take().bytes(), MOST_BYTES);
        }
    }
}
