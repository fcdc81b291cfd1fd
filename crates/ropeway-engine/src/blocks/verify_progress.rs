//! Progress of the comparisons and repairs of this moment. A large file is read for minutes, and whoever waits for it
//! is to see that something happens.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use parking_lot::Mutex;
use ropeway_model::JobId;

/// Stage of the proof of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofStage {
    /// The file is read and compared with its block digests.
    Comparing,
    /// Damaged blocks are fetched again.
    Fetching,
}

/// Progress of the proof of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProofProgress {
    /// Stage that it is in.
    pub stage: ProofStage,
    /// Bytes that were read or fetched.
    pub done: u64,
    /// Bytes that are to be.
    pub total: u64,
}

/// One comparison or repair under way.
#[derive(Debug)]
pub(super) struct VerifyProgress {
    id: JobId,
    stage: ProofStage,
    done: AtomicU64,
    total: u64,
}

impl VerifyProgress {
    /// More bytes are read or fetched.
    pub(super) fn advance(&self, bytes: usize) {
        self.done.fetch_add(bytes as u64, Relaxed);
    }
}

/// All of them. A job has several where it is verified from two windows at once.
#[derive(Debug, Default)]
pub(crate) struct Verifications {
    running: Mutex<Vec<Arc<VerifyProgress>>>,
}

impl Verifications {
    /// Begins one, which is over when the answer is dropped.
    pub(super) fn begin(&self, id: JobId, stage: ProofStage, total: u64) -> VerifyGuard<'_> {
        let progress = Arc::new(VerifyProgress { id, stage, done: AtomicU64::new(0), total });
        self.running.lock().push(Arc::clone(&progress));
        VerifyGuard { verifications: self, progress }
    }

    /// How far the latest one of a job is; `None` while there is none.
    pub(crate) fn of(&self, id: JobId) -> Option<ProofProgress> {
        let running = self.running.lock();
        let progress = running.iter().rev().find(|progress| progress.id == id)?;
        // What is fetched may come in more pieces than were asked for.
        let done = progress.done.load(Relaxed).min(progress.total);
        Some(ProofProgress { stage: progress.stage, done, total: progress.total })
    }
}

/// Ends a progress when it is dropped, also where the caller gave up.
#[derive(Debug)]
pub(super) struct VerifyGuard<'a> {
    verifications: &'a Verifications,
    pub(super) progress: Arc<VerifyProgress>,
}

impl Drop for VerifyGuard<'_> {
    fn drop(&mut self) {
        self.verifications.running.lock().retain(|progress| !Arc::ptr_eq(progress, &self.progress));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_shows_its_latest_course_until_that_is_over() {
        let verifications = Verifications::default();
        let [one, other] = [1, 2].map(JobId::from_row);
        let first = verifications.begin(one, ProofStage::Comparing, 10);
        first.progress.advance(4);
        let second = verifications.begin(one, ProofStage::Fetching, 3);
        second.progress.advance(5);
        let shown = |stage, done, total| Some(ProofProgress { stage, done, total });
        assert_eq!(verifications.of(one), shown(ProofStage::Fetching, 3, 3));
        assert_eq!(verifications.of(other), None);
        drop(second);
        assert_eq!(verifications.of(one), shown(ProofStage::Comparing, 4, 10));
        drop(first);
        assert_eq!(verifications.of(one), None);
    }
}
