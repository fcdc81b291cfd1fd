//! Folders that a document named below the one the user chose.

use std::path::{Path, PathBuf};

use ropeway_flow::disk::{Disk, DiskError};
use ropeway_model::Transfer;

use crate::attempt::{Attempt, Stop};

/// Folder to save in. It is one that the user chose, or one below it that a document named.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    /// How many of its last parts a document named.
    named: usize,
}

impl Folder {
    /// The folder at `path`, of whose last parts a document named so many.
    pub(super) fn at(path: &Path, named: u8) -> Self {
        Self { path: path.to_owned(), named: named.into() }
    }

    /// Creates what is missing of it, following no link among the folders that a document named. Returns what it made.
    pub(super) fn create(&self, disk: &dyn Disk) -> Result<Vec<PathBuf>, DiskError> {
        match self.path.ancestors().nth(self.named) {
            Some(chosen) if self.named > 0 => disk.create_below(chosen, &self.path),
            _ => disk.create_folder(&self.path),
        }
    }
}

/// Makes the folders that a document named, following no link. Looked at again before the file gets its name: whoever
/// may write there may have put a link in their place.
pub(super) async fn make(attempt: &Attempt) -> Result<(), Stop> {
    let Transfer::Download { into, .. } = &attempt.spec.transfer else { return Ok(()) };
    if attempt.spec.named_folders == 0 {
        return Ok(());
    }
    let folder = Folder::at(into, attempt.spec.named_folders);
    let made = attempt.on_disk(move |disk| folder.create(disk)).await?;
    attempt.engine.made_folders.lock().extend(made);
    Ok(())
}
