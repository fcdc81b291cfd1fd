//! File system as whoever moves bytes sees it.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    error::DiskError, notes::Notes, part_file::PartFile, soft::SoftFiles, source_file::SourceFile, stamp::FileStamp,
};

/// A file system.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Creates the folder and its parents where they are missing. Returns those that it made, the outermost first, as far as
    /// that is known.
    fn create_folder(&self, folder: &Path) -> Result<Vec<PathBuf>, DiskError>;

    /// Removes a folder if nothing is in it.
    fn remove_empty(&self, _folder: &Path) {}

    /// Creates `folder`, which lies below `chosen`, following no link from there.
    ///
    /// A document named it, and must not lead out of what the user chose.
    ///
    /// # Errors
    /// [`DiskError::LinkInWay`] naming the first link.
    fn create_below(&self, _chosen: &Path, folder: &Path) -> Result<Vec<PathBuf>, DiskError> {
        self.create_folder(folder)
    }

    /// Creates a part file that nobody else has, and locks it. Follows no link. Refuses where the volume could not give it
    /// its final name later.
    ///
    /// # Errors
    /// [`DiskError::Exists`] if anything of this name exists.
    fn create_part(&self, path: &Path) -> Result<Arc<dyn PartFile>, DiskError>;

    /// Creates a file in `folder` that has no name.
    /// It is gone with its last handle, after a crash too.
    fn create_nameless(&self, folder: &Path) -> Result<Arc<dyn PartFile>, DiskError>;

    /// Opens the part file of an earlier attempt and locks it. Follows no link.
    ///
    /// # Errors
    /// [`DiskError::Missing`] if it is gone, [`DiskError::InUse`] if another process holds its lock.
    fn open_part(&self, path: &Path) -> Result<Arc<dyn PartFile>, DiskError>;

    /// Gives a synced part file its final name and syncs the folder.
    ///
    /// After this returns, name and bytes survive a power cut. Without `replace`, an existing file is never touched.
    ///
    /// # Errors
    /// [`DiskError::Exists`] if the final name is taken and `replace` is false.
    fn publish(&self, part: &Path, final_path: &Path, replace: bool) -> Result<(), DiskError>;

    /// Creates a whole file of `pieces` under its final name.
    ///
    /// Its notes are on it. After a crash it is there whole or not at all, and nothing else is. That it is there is durable once the folder is synced. `false` where the file system
    /// cannot make a file without a name first.
    ///
    /// # Errors
    /// [`DiskError::Exists`] if the name is taken.
    fn save_whole(&self, pieces: &[&[u8]], final_path: &Path, notes: &Notes) -> Result<bool, DiskError>;

    /// Makes the names in a folder durable.
    fn sync_folder(&self, folder: &Path) -> Result<(), DiskError>;

    /// Leaves notes on a finished file where its file system takes notes. Follows no link.
    fn leave_notes(&self, _path: &Path, _notes: &Notes) {}

    /// The note of its version that a file has.
    fn version_note(&self, _path: &Path) -> Option<String> {
        None
    }

    /// Removes a file; a missing one is a success.
    fn remove(&self, path: &Path) -> Result<(), DiskError>;

    /// Removes the file at `path` if it still has this `stamp`. A missing one is a success. `false`
    /// where something else has the name, which stays.
    fn remove_if_same(&self, path: &Path, stamp: FileStamp) -> Result<bool, DiskError> {
        match self.open_part(path) {
            Err(DiskError::Missing { .. }) => Ok(true),
            Err(error) => Err(error),
            Ok(file) if file.stamp()? == stamp => self.remove(path).map(|()| true),
            Ok(_) => Ok(false),
        }
    }

    /// Length of the regular file at `path`; `None` if nothing is there. Follows no link.
    fn length_of(&self, path: &Path) -> Result<Option<u64>, DiskError>;

    /// Tells whether anything has this name, a broken link included.
    fn is_taken(&self, path: &Path) -> Result<bool, DiskError>;

    /// Lists the names in `folder`, in any order.
    /// `None` where there are more than `most`, or the disk cannot tell.
    fn names_in(&self, _folder: &Path, _most: usize) -> Result<Option<Vec<OsString>>, DiskError> {
        Ok(None)
    }

    /// Recognises what an interrupted [`Disk::publish`] of `part` left at `final_path`.
    /// Publishing again takes it up.
    fn is_placeholder(&self, _part: &Path, _final_path: &Path) -> bool {
        false
    }

    /// Bytes that may still be written below `folder`.
    fn free_space(&self, folder: &Path) -> Result<u64, DiskError>;

    /// Bytes of the longest file that fits below `folder`, room aside.
    fn longest_file(&self, folder: &Path) -> Result<u64, DiskError>;

    /// Opens a regular file to upload.
    fn open_source(&self, path: &Path) -> Result<Arc<dyn SourceFile>, DiskError>;

    /// Files of soft checkpoints beside the queue at `database`.
    /// `None` where no later process could tell whether the page cache is still the same.
    fn soft_files(&self, _database: &Path) -> Option<Arc<dyn SoftFiles>> {
        None
    }
}
