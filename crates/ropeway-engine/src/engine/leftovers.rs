//! Rows of earlier processes, looked up when a job is added.

use std::{collections::HashMap, path::Path};

use ropeway_model::Transfer;
use ropeway_store::JobRow;

use super::KnownDownloads;

/// Unfinished jobs of earlier processes that an added job may take up.
///
/// The lock of a part file tells whether a living process moves a job. A job without one, such as an upload or a download
/// that was not begun, is abandoned only where nobody else had the queue open while it was read.
#[derive(Debug, Default)]
pub(crate) struct Leftovers {
    rows: Vec<JobRow>,
    /// Abandoned ones without a part file, by where from and where to: a list that was cut off leaves thousands.
    abandoned: HashMap<u64, Vec<JobRow>>,
}

impl Leftovers {
    /// The rows of a queue that was read alone, or beside others.
    pub(super) fn of(rows: Vec<JobRow>, is_alone: bool) -> Self {
        if !is_alone {
            return Self { rows, ..Self::default() };
        }
        let mut abandoned = HashMap::<u64, Vec<JobRow>>::new();
        let (rows, without_part): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.part_path.is_some());
        // Backwards, so that the oldest is the first to be popped.
        for row in without_part.into_iter().rev() {
            abandoned.entry(key(&row.spec.transfer)).or_default().push(row);
        }
        Self { rows, abandoned }
    }

    /// All of them, the oldest first.
    pub(super) fn all(&self) -> Vec<&JobRow> {
        let mut all: Vec<_> = self.rows.iter().chain(self.abandoned.values().flatten()).collect();
        all.sort_by_key(|row| row.id);
        all
    }

    /// Leaves out those of which this holds.
    pub(super) fn forget(&mut self, is_gone: impl Fn(&JobRow) -> bool) {
        self.rows.retain(|row| !is_gone(row));
        self.abandoned.values_mut().for_each(|rows| rows.retain(|row| !is_gone(row)));
        self.abandoned.retain(|_, rows| !rows.is_empty());
    }

    /// Hands out those with a part file, for a look at who moves them.
    pub(super) fn take_begun(&mut self) -> Vec<JobRow> {
        self.rows.extract_if(.., |row| row.part_path.is_some()).collect()
    }

    /// Takes back what nobody took up.
    pub(super) fn put_back(&mut self, mut rows: Vec<JobRow>) {
        self.rows.append(&mut rows);
    }

    /// The oldest abandoned one that moves the same.
    pub(super) fn take_abandoned(&mut self, transfer: &Transfer) -> Option<JobRow> {
        let rows = self.abandoned.get_mut(&key(transfer))?;
        let at = rows.iter().rposition(|row| is_same(&row.spec.transfer, transfer))?;
        Some(rows.remove(at))
    }

    /// True where none is abandoned.
    pub(super) fn has_abandoned(&self) -> bool {
        !self.abandoned.is_empty()
    }

    /// Those whose bytes are recorded to be there.
    pub(super) fn with_part(&mut self, part: &Path) -> impl Iterator<Item = &mut JobRow> {
        self.rows.iter_mut().filter(move |row| row.part_path.as_deref() == Some(part))
    }
}

/// True where the same bytes go to the same place. What the server is asked about an upload changes nothing of that.
pub(super) fn is_same(one: &Transfer, other: &Transfer) -> bool {
    match (one.without_login(), other.without_login()) {
        (Transfer::Upload { from, to }, Transfer::Upload { from: other_from, to: other_to }) => {
            (from, to.protocol(), to.url()) == (other_from, other_to.protocol(), other_to.url())
        }
        (one, other) => one == other,
    }
}

fn key(transfer: &Transfer) -> u64 {
    KnownDownloads::key(&transfer.without_login())
}
