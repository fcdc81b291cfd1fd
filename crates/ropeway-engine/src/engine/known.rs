//! Downloads that are in the list already, found by where from and where to.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::PathBuf,
};

use ropeway_model::{JobId, Phase, PhaseKind, Transfer};

use super::Engine;
use crate::table::Entry;

/// A download that has the same address and destination as another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownDownload {
    /// The job.
    pub id: JobId,
    /// Phase it was in when it was looked up.
    pub phase: PhaseKind,
    /// Where its file was saved.
    pub path: Option<PathBuf>,
}

impl KnownDownload {
    /// True where it has stopped until somebody resumes it.
    pub const fn has_failed(&self) -> bool {
        matches!(self.phase, PhaseKind::Failed | PhaseKind::LinkExpired)
    }
}

/// All downloads of the list, by where from and where to. Of several alike the first one is found.
#[derive(Debug, Default)]
pub struct KnownDownloads(HashMap<u64, KnownDownload>);

impl KnownDownloads {
    /// The one with this address and destination.
    pub fn get(&self, transfer: &Transfer) -> Option<&KnownDownload> {
        self.0.get(&Self::key(transfer))
    }

    /// Key that two jobs with the same address and destination share.
    pub fn key(transfer: &Transfer) -> u64 {
        let mut hasher = DefaultHasher::new();
        match transfer {
            Transfer::Download { from, into, name } => {
                (from.expose().as_str(), into, name.as_ref().map(ropeway_model::FileName::as_str)).hash(&mut hasher);
            }
            Transfer::Upload { from, to } => (from, to.url().expose().as_str()).hash(&mut hasher),
        }
        hasher.finish()
    }
}

impl Engine {
    /// Whether the job still serves its purpose: its file is to come, or is there.
    pub async fn is_of_use(&self, known: &KnownDownload) -> bool {
        match (known.phase, known.path.clone()) {
            (PhaseKind::Canceled, _) | (PhaseKind::Completed, None) => false,
            (PhaseKind::Completed, Some(path)) => {
                self.core.blocking.start(move || path.exists()).await.unwrap_or_default()
            }
            _ => true,
        }
    }

    /// Downloads that are in the list.
    pub fn known_downloads(&self) -> KnownDownloads {
        let mut known = KnownDownloads::default();
        for entry in self.core.table.lock().iter() {
            let found = known_download(entry);
            let had = known.0.entry(KnownDownloads::key(&entry.spec().transfer)).or_insert_with(|| found.clone());
            // One that is over does not hide one that is under way.
            if matches!(had.phase, PhaseKind::Canceled | PhaseKind::Completed) && entry.phase != Phase::Canceled {
                *had = found;
            }
        }
        known
    }
}

fn known_download(entry: &Entry) -> KnownDownload {
    KnownDownload { id: entry.id, phase: entry.phase.kind(), path: entry.state.final_path.clone() }
}
