//! Unfinished jobs of earlier processes, which nobody may ever ask for again.

use std::path::PathBuf;

use ropeway_flow::disk::DiskError;
use ropeway_model::{JobId, SafeUrl, Timestamp, Transfer};
use ropeway_store::JobRow;

use super::{Engine, EngineError};
use crate::core::Core;

/// An unfinished job of an earlier process.
#[derive(Clone, Debug)]
pub struct Leftover {
    /// Its number.
    pub id: JobId,
    /// The remote end.
    pub url: SafeUrl,
    /// The folder that it was being saved in, or the file that was being sent.
    pub path: PathBuf,
    /// Where its bytes are.
    pub part_path: Option<PathBuf>,
    /// Bytes that are there.
    pub durable: u64,
    /// Bytes of the whole file, once known.
    pub length: Option<u64>,
    /// When it was asked for.
    pub created: Timestamp,
    /// True where another process is moving it now.
    pub is_running: bool,
}

impl Engine {
    /// The unfinished jobs of other processes, the oldest first. None but in [`crate::Scope::Once`]. Where this process
    /// is not alone with the queue, a job without a part file may be one that another process is about to begin.
    pub fn leftovers(&self, is_alone: bool) -> Vec<Leftover> {
        self.core.leftovers.lock().all().into_iter().map(|row| self.core.leftover(row, is_alone)).collect()
    }

    /// Forgets unfinished jobs of earlier processes and deletes their part files. Those that another process moves stay.
    /// Returns the ones that are gone.
    ///
    /// # Errors
    /// [`EngineError::Store`] if that could not be recorded: then their files are still there.
    pub async fn forget(&self, ids: &[JobId], is_alone: bool) -> Result<Vec<Leftover>, EngineError> {
        let rows = self.core.leftovers_of(ids);
        let forgotten: Vec<Leftover> =
            rows.iter().map(|row| self.core.leftover(row, is_alone)).filter(|leftover| !leftover.is_running).collect();
        self.core.store.remove_jobs(forgotten.iter().map(|leftover| leftover.id).collect()).await?;
        let parts = forgotten.iter().filter_map(|leftover| Some((leftover.id, leftover.part_path.clone()?)));
        self.core.discard(parts.collect()).await;
        let is_gone = |row: &JobRow| forgotten.iter().any(|leftover| leftover.id == row.id);
        self.core.leftovers.lock().forget(is_gone);
        Ok(forgotten)
    }
}

impl Core {
    fn leftovers_of(&self, ids: &[JobId]) -> Vec<JobRow> {
        self.leftovers.lock().all().into_iter().filter(|row| ids.contains(&row.id)).cloned().collect()
    }

    fn leftover(&self, row: &JobRow, is_alone: bool) -> Leftover {
        let (url, path) = match &row.spec.transfer {
            Transfer::Download { from, into, .. } => (from.clone(), into.clone()),
            Transfer::Upload { from, to } => (to.url().clone(), from.clone()),
        };
        // Whoever moves it holds the lock of its part file, whatever else is known of others.
        let is_running = match row.part_path.as_deref().map(|part| self.disk.open_part(part)) {
            Some(Ok(_) | Err(DiskError::Missing { .. } | DiskError::NotAFile { .. })) => false,
            Some(Err(_)) => true,
            None => !is_alone,
        };
        Leftover {
            id: row.id,
            url,
            path,
            part_path: row.part_path.clone(),
            durable: row.durable,
            length: row.remote.as_ref().and_then(|remote| remote.validator.length),
            created: row.created,
            is_running,
        }
    }
}
