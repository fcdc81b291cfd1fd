//! How far the comparisons and repairs of this moment are. A large file is read for minutes, and whoever waits for it
//! is to see that something happens.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use parking_lot::Mutex;
use ropeway_model::JobId;

/// What is done for the proof of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofStage {
    /// The file is read and compared with its block digests.
    Comparing,
    /// Damaged blocks are fetched again.
    Fetching,
}

/// How far the proof of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProofProgress {
    /// What is done.
    pub stage: ProofStage,
    /// Bytes that were read or fetched.
    pub done: u64,
    /// Bytes that are to be.
    pub total: u64,
}

/// One comparison or repair under way.
#[derive(Debug)]
pub(super) struct Course {
    id: JobId,
    stage: ProofStage,
    done: AtomicU64,
    total: u64,
}

impl Course {
    /// More bytes are read or fetched.
    pub(super) fn advance(&self, bytes: usize) {
        self.done.fetch_add(bytes as u64, Relaxed);
    }
}

/// All of them; a job has several where it is verified from two windows at once.
#[derive(Debug, Default)]
pub(crate) struct Courses {
    under_way: Mutex<Vec<Arc<Course>>>,
}

impl Courses {
    /// Begins one, which is over when the answer is dropped.
    pub(super) fn begin(&self, id: JobId, stage: ProofStage, total: u64) -> UnderWay<'_> {
        let course = Arc::new(Course { id, stage, done: AtomicU64::new(0), total });
        self.under_way.lock().push(Arc::clone(&course));
        UnderWay { courses: self, course }
    }

    /// How far the latest one of a job is; `None` while there is none.
    pub(crate) fn of(&self, id: JobId) -> Option<ProofProgress> {
        let under_way = self.under_way.lock();
        let course = under_way.iter().rev().find(|course| course.id == id)?;
        // What is fetched may come in more pieces than were asked for.
        let done = course.done.load(Relaxed).min(course.total);
        Some(ProofProgress { stage: course.stage, done, total: course.total })
    }
}

/// Takes a course off the list at its end, also where the caller gave up.
#[derive(Debug)]
pub(super) struct UnderWay<'a> {
    courses: &'a Courses,
    pub(super) course: Arc<Course>,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.courses.under_way.lock().retain(|course| !Arc::ptr_eq(course, &self.course));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_shows_its_latest_course_until_that_is_over() {
        let courses = Courses::default();
        let [one, other] = [1, 2].map(JobId::from_row);
        let first = courses.begin(one, ProofStage::Comparing, 10);
        first.course.advance(4);
        let second = courses.begin(one, ProofStage::Fetching, 3);
        second.course.advance(5);
        let shown = |stage, done, total| Some(ProofProgress { stage, done, total });
        assert_eq!(courses.of(one), shown(ProofStage::Fetching, 3, 3));
        assert_eq!(courses.of(other), None);
        drop(second);
        assert_eq!(courses.of(one), shown(ProofStage::Comparing, 4, 10));
        drop(first);
        assert_eq!(courses.of(one), None);
    }
}
