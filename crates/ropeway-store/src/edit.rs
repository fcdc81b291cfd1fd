//! One step of a transaction over the jobs that are in the list.

use ropeway_model::JobId;
use rusqlite::Connection;

use crate::{
    error::Fault,
    table::job::{self, JobChange},
};

/// A change of a job, or the end of some.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Changes one job.
    Save(Box<JobChange>),
    /// Takes jobs off the list with their segments and logs; numbers that are not in it are skipped.
    Remove(Vec<JobId>),
}

impl Edit {
    pub(crate) fn apply(&self, connection: &Connection) -> Result<(), Fault> {
        match self {
            Self::Save(change) => job::change::apply(connection, change),
            Self::Remove(ids) => job::remove(connection, ids),
        }
    }
}
