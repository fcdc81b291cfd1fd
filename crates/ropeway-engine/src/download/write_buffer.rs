//! What has come and is not written yet: small reads become large writes.

use std::time::Duration;

use bytes::Bytes;
use ropeway_model::{ByteRange, Chunks};
use tokio::time::Instant;

use super::{worker::SharedDownload, worker_error::WorkerError};
use crate::claims::{Claim, Room};

/// Bytes wait no longer than this for others to be written with. A faster connection so makes larger writes.
const LONGEST_WAIT: Duration = Duration::from_millis(20);

/// Bytes of one answer that belong one behind the other.
pub(super) struct WriteBuffer {
    chunks: Chunks,
    /// Where in the file the first of them belongs.
    at: u64,
    /// When they are written at the latest; means nothing while there are none.
    due: Instant,
}

impl WriteBuffer {
    /// Nothing yet; what comes begins at `at`.
    pub(super) fn new(at: u64) -> Self {
        Self { chunks: Chunks::default(), at, due: Instant::now() }
    }

    /// Adds what has come behind all that is here.
    pub(super) fn push(&mut self, chunk: Bytes, now: Instant) {
        if self.chunks.is_empty() {
            self.due = now + LONGEST_WAIT;
        }
        self.chunks.push(chunk);
    }

    /// Bytes that are here.
    pub(super) const fn count(&self) -> usize {
        self.chunks.len()
    }

    /// Where the next byte belongs.
    pub(super) fn end(&self) -> u64 {
        self.at + self.count() as u64
    }

    /// When to write at the latest. `None` where there is nothing to write.
    pub(super) fn due(&self) -> Option<Instant> {
        (self.count() > 0).then_some(self.due)
    }

    /// Writes what of it is still missing, and is empty. `false` once the segment is complete.
    pub(super) async fn save(&mut self, job: &SharedDownload, claim: &Claim) -> Result<bool, WorkerError> {
        if self.chunks.is_empty() {
            return Ok(true);
        }
        // The kernel lets one write at a time into a file, and those who wait for it burn the processor meanwhile.
        // Whoever waits here lets this thread go on with another connection.
        let _turn = job.writing.lock().await;
        let (at, count) = (self.at, self.count() as u64);
        self.at += count;
        let chunks = self.chunks.take();
        if !job.range_support.serves_ranges() {
            // Nobody knows yet whether the others get anything: a link may work once.
            job.claims.outrun(claim, at + count);
        }
        // Asked anew for each write: another worker may have taken the tail meanwhile, or have been here first.
        let own = match job.claims.reserve(claim, at, count) {
            Room::Write(own) => own,
            skipped @ (Room::Have | Room::Complete) => {
                job.progress.add_wasted(count);
                return Ok(skipped == Room::Have);
            }
        };
        let written = within(&chunks, at, own);
        if let Some(at) = job.promises.broken_by(own.start(), &written) {
            return Err(WorkerError::Differs { url: job.url.clone(), at });
        }
        job.part.write_all_at(&written, own.start())?;
        let is_complete = job.claims.commit(claim, own)?;
        job.note_written(own);
        if own.len() < count {
            job.progress.add_wasted(count - own.len());
        }
        if let Some(follower) = &job.follower {
            follower.reached(job.claims.contiguous_prefix());
        }
        Ok(!is_complete)
    }
}

/// The part of `chunks`, the first of which belongs at `at`, that lies within `own`.
fn within(chunks: &[Bytes], mut at: u64, own: ByteRange) -> Vec<&[u8]> {
    let mut parts = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let end = at + chunk.len() as u64;
        let (from, to) = (own.start().clamp(at, end) - at, own.end().clamp(at, end) - at);
        let part = usize::try_from(from).ok().zip(usize::try_from(to).ok()).and_then(|(from, to)| chunk.get(from..to));
        parts.extend(part.filter(|part| !part.is_empty()));
        at = end;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_within_is_cut_at_both_ends() {
        let chunks = [Bytes::from_static(b"abc"), Bytes::from_static(b"def"), Bytes::from_static(b"ghi")];
        let within = |start, end| within(&chunks, 10, ByteRange::new(start, end).unwrap()).concat();
        assert_eq!(within(10, 19), b"abcdefghi");
        assert_eq!(within(11, 18), b"bcdefgh");
        assert_eq!(within(13, 16), b"def");
        assert_eq!(within(14, 15), b"e");
    }
}
