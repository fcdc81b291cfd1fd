//! Folders made for downloads that saved nothing in them.

use std::path::Path;

use ropeway_flow::disk::{Disk, DiskError};

use super::named_folders::Folder;
use crate::core::Core;

impl Core {
    /// Keeps the folders above a file that was saved, whatever becomes of it later.
    pub(crate) fn keep_folders_of(&self, file: &Path) {
        self.made_folders.lock().retain(|made| !file.starts_with(made));
    }

    /// Removes the folders that were made for nothing. Only at the end of the engine: until then another job may be about
    /// to save a file there.
    pub(crate) async fn remove_unused_folders(&self) {
        let made = std::mem::take(&mut *self.made_folders.lock());
        if made.is_empty() {
            return;
        }
        let disk = self.disk.clone();
        // The innermost first: a folder that holds anything at all stays.
        let removing = self.blocking.start(move || made.iter().rev().for_each(|folder| disk.remove_empty(folder)));
        drop(removing.await);
    }
}

/// Does what creates a file in `folder`. Where that is gone, once more with a new one. Another command that had made it
/// and saved nothing there removes it at its end.
pub(super) fn with_folder<T>(
    disk: &dyn Disk,
    folder: &Folder,
    create: impl Fn() -> Result<T, DiskError>,
) -> Result<T, DiskError> {
    match create() {
        Err(DiskError::Missing { .. }) => {
            folder.create(disk)?;
            create()
        }
        created => created,
    }
}
