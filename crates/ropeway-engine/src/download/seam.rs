//! Seam where two answers meet. Some bytes before that place come with both and are compared, so that an answer of
//! another version, or of another place, shows itself.
//!
//! What is on disk before a new answer is compared at once. What is not here yet is kept as a promise, and compared
//! with what is written there.

use std::{collections::BTreeMap, pin::pin};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use parking_lot::Mutex;
use ropeway_drivers::{ByteStream, DriverError};
use ropeway_flow::disk::{DiskError, PartFile};
use ropeway_model::{ByteRange, SafeUrl, SegmentMap};

use super::{
    worker::SharedDownload,
    worker_error::{LONGEST_SILENCE, WorkerError},
};
use crate::claims::Claim;

/// Bytes before a seam that come with the answer behind it.
pub(super) const LONGEST_LEAD: u64 = 4 << 10;
/// The same under a limit, as a share of what is asked for at once.
const SHARE: u64 = 16;
/// But no fewer: these still tell one file from another.
const SHORTEST_LEAD: u64 = 64;

/// A place where an answer begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seam {
    /// Where its new bytes begin.
    at: u64,
    /// Bytes before that which come with it.
    lead: u64,
}

impl Seam {
    /// Before `missing`, which is a portion under a limit if it `is_paid`.
    pub(super) fn before(job: &SharedDownload, missing: ByteRange, is_paid: bool) -> Self {
        let most = if is_paid { (missing.len() / SHARE).max(SHORTEST_LEAD) } else { LONGEST_LEAD };
        let most = if job.mirrors.are_judged_by_digests() { 0 } else { most.min(missing.start()) };
        Self { at: missing.start(), lead: job.range_support.lead().min(most) }
    }

    /// True where there is anything to compare.
    pub(super) const fn is_compared(&self) -> bool {
        self.lead > 0
    }

    /// Bytes before it that come with the answer behind it.
    pub(super) const fn lead(&self) -> u64 {
        self.lead
    }

    /// Range to ask for in place of `missing`.
    pub(super) fn widen(&self, missing: ByteRange) -> ByteRange {
        ByteRange::new(self.at - self.lead, missing.end()).unwrap_or(missing)
    }

    /// The bytes of `body` behind the seam.
    ///
    /// # Errors
    /// [`WorkerError::Differs`] where it does not continue what is here; [`WorkerError::Short`] where it ends before that can be
    /// told.
    pub(super) async fn pass(
        &self,
        job: &SharedDownload,
        claim: &Claim,
        url: &SafeUrl,
        mut body: ByteStream,
    ) -> Result<ByteStream, WorkerError> {
        let wanted = usize::try_from(self.lead).unwrap_or(0);
        let mut lead = Vec::with_capacity(wanted);
        let mut dismissed = pin!(claim.leave.cancelled());
        while lead.len() < wanted {
            let next = tokio::select! {
                biased;
                () = &mut dismissed => return Err(DriverError::Canceled.into()),
                next = tokio::time::timeout(LONGEST_SILENCE, body.next()) => next,
            };
            let Some(chunk) = next.map_err(|_| WorkerError::Silent(LONGEST_SILENCE))? else {
                job.range_support.shorten_lead(lead.len() as u64);
                return Err(WorkerError::Short);
            };
            let mut chunk = chunk?;
            lead.extend_from_slice(&chunk.split_to(chunk.len().min(wanted - lead.len())));
            if !chunk.is_empty() {
                let rest: Result<Bytes, DriverError> = Ok(chunk);
                body = Box::pin(stream::iter([rest]).chain(body));
            }
        }
        job.progress.add_wasted(self.lead);
        if self.holds(job, &lead).await? {
            return Ok(body);
        }
        Err(WorkerError::Differs { url: url.clone(), at: self.at })
    }

    /// Whether `lead` is what is here before the seam; keeps what of it cannot be told yet.
    async fn holds(&self, job: &SharedDownload, lead: &[u8]) -> Result<bool, DiskError> {
        // While nobody writes, all that was reserved is committed.
        let _turn = job.writing.lock().await;
        let from = self.at - self.lead;
        let slice = |start: u64, end: u64| {
            let index = |offset: u64| usize::try_from(offset - from).unwrap_or(lead.len());
            lead.get(index(start)..index(end)).unwrap_or_default()
        };
        let Ok(range) = ByteRange::new(from, self.at) else { return Ok(true) };
        let mut unknown = from;
        for here in job.claims.written_within(range) {
            if !job.promises.keep(unknown, slice(unknown, here.start())) {
                return Ok(false);
            }
            let came = slice(here.start(), here.end());
            let mut saved = vec![0; came.len()];
            let read = job.part.read_at(&mut saved, here.start())?;
            if read < came.len() || saved != came {
                return Ok(false);
            }
            unknown = here.end();
        }
        Ok(job.promises.keep(unknown, slice(unknown, self.at)))
    }
}

/// Bytes that came with the answer behind them, until others are written there.
#[derive(Debug, Default)]
pub(super) struct Promises(Mutex<BTreeMap<u64, Bytes>>);

impl Promises {
    /// Takes the beginning of each stretch of `part` that lies behind a hole of `map`: what fills the hole is to reach
    /// into it. Returns where they lie.
    pub(super) fn of(part: &dyn PartFile, map: &SegmentMap) -> Result<(Self, Vec<ByteRange>), DiskError> {
        let mut promises = BTreeMap::new();
        let mut reopened = Vec::new();
        for range in map.written_ranges().into_iter().filter(|range| range.start() > 0) {
            let end = range.end().min(range.start() + LONGEST_LEAD);
            let mut saved = vec![0; usize::try_from(end - range.start()).unwrap_or(0)];
            let read = part.read_at(&mut saved, range.start())?;
            saved.truncate(read);
            promises.insert(range.start(), Bytes::from(saved));
            reopened.extend(ByteRange::new(range.start(), end));
        }
        Ok((Self(Mutex::new(promises)), reopened))
    }

    /// Keeps `bytes`, which belong at `at`; `false` where other ones were kept for that place.
    fn keep(&self, at: u64, bytes: &[u8]) -> bool {
        if bytes.is_empty() {
            return true;
        }
        let mut promises = self.0.lock();
        let had = promises.get(&at);
        if had.is_some_and(|had| had.iter().zip(bytes).any(|(had, came)| had != came)) {
            return false;
        }
        if had.is_none_or(|had| had.len() < bytes.len()) {
            promises.insert(at, Bytes::copy_from_slice(bytes));
        }
        true
    }

    /// Where a promise lies that `chunks`, which are about to be written at `at`, do not keep. Those that they do are
    /// forgotten.
    pub(super) fn broken_by(&self, at: u64, chunks: &[&[u8]]) -> Option<u64> {
        let mut promises = self.0.lock();
        if promises.is_empty() {
            return None;
        }
        let end = at + chunks.iter().map(|chunk| chunk.len() as u64).sum::<u64>();
        let touched: Vec<u64> = promises
            .range(..end)
            .filter(|(start, bytes)| **start + bytes.len() as u64 > at)
            .map(|(start, _)| *start)
            .collect();
        for start in touched {
            let Some(bytes) = promises.get(&start) else { continue };
            if !agrees(bytes, start, chunks, at) {
                return Some(start);
            }
            let bytes = promises.remove(&start).unwrap_or_default();
            let promised_end = start + bytes.len() as u64;
            if start < at {
                promises.insert(start, bytes.slice(..index(at - start)));
            }
            if promised_end > end {
                promises.insert(end, bytes.slice(index(end - start)..));
            }
        }
        None
    }
}

/// Whether `bytes` at `start` and `chunks` at `at` are the same where both are.
fn agrees(bytes: &[u8], start: u64, chunks: &[&[u8]], mut at: u64) -> bool {
    chunks.iter().all(|chunk| {
        let (from, to) = (start.max(at), (start + bytes.len() as u64).min(at + chunk.len() as u64));
        let chunk_at = at;
        at += chunk.len() as u64;
        from >= to
            || bytes.get(index(from - start)..index(to - start))
                == chunk.get(index(from - chunk_at)..index(to - chunk_at))
    })
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_is_kept_until_all_of_it_was_written_and_is_broken_by_another_byte() {
        let promises = Promises::default();
        assert!(promises.keep(100, b"abcdefgh"));
        assert!(promises.keep(100, b"abcd"), "a shorter one says the same");
        assert!(!promises.keep(100, b"abXd"));
        assert_eq!(promises.broken_by(0, &[b"other"]), None);
        assert_eq!(promises.broken_by(98, &[b"..", b"abX"]), Some(100));
        assert_eq!(promises.broken_by(98, &[b"..a", b"bc"]), None);
        assert_eq!(promises.broken_by(103, &[b"dX"]), Some(103), "the rest of it stands");
        assert_eq!(promises.broken_by(105, &[b"fg"]), None, "written by somebody else");
        assert_eq!(promises.broken_by(103, &[b"deXX"]), None);
        assert_eq!(promises.broken_by(107, &[b"X"]), Some(107));
        assert_eq!(promises.broken_by(107, &[b"h"]), None);
        assert!(promises.0.lock().is_empty());
    }
}
