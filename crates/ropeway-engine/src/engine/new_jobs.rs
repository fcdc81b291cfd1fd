//! Jobs on their way into the queue.

use ropeway_model::JobSpec;

use crate::table::{InternedSpec, SpecInterner};

/// Jobs to add, in their order. What they have in common is kept once, so that a list of a hundred thousand addresses
/// takes a few megabytes.
#[derive(Debug, Default)]
pub struct NewJobs {
    interner: SpecInterner,
    interned: Vec<InternedSpec>,
}

impl NewJobs {
    /// Puts one more at the end.
    pub fn push(&mut self, spec: &JobSpec) {
        let interned = self.interner.intern(spec);
        self.interned.push(interned);
    }

    /// Number of jobs.
    pub fn len(&self) -> usize {
        self.interned.len()
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.interned.is_empty()
    }

    pub(crate) fn interned(self) -> Vec<InternedSpec> {
        self.interned
    }
}

impl Extend<JobSpec> for NewJobs {
    fn extend<I: IntoIterator<Item = JobSpec>>(&mut self, specs: I) {
        for spec in specs {
            self.push(&spec);
        }
    }
}

impl From<Vec<JobSpec>> for NewJobs {
    fn from(specs: Vec<JobSpec>) -> Self {
        let mut jobs = Self::default();
        jobs.extend(specs);
        jobs
    }
}
