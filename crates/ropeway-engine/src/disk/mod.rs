//! The disk as the engine sees it: part files, sources, and the one atomic move to a final name.
//!
//! All calls block. Writes land in the page cache and are made from the transfer itself, which is the back-pressure of
//! a slow disk; syncs are made from a blocking thread.

mod below;
mod error;
mod fat;
mod file;
mod folders;
mod guard;
mod local;
mod names;
mod notes;
mod probe;
mod soft;
mod walk;

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use error::DiskError;
pub(crate) use guard::Guard;
pub use local::LocalDisk;
pub use names::{is_placeholder, prove_naming, rename_to_free_name};
pub use notes::Notes;
pub use soft::{BootId, SoftFiles};
pub use walk::{Files, Found, LeftOut, LeftOutKind, files_at};

/// A file system.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Creates the folder and its parents where they are missing. Returns those that it made, the outermost first, as far as
    /// that is known.
    fn create_folder(&self, folder: &Path) -> Result<Vec<PathBuf>, DiskError>;

    /// Removes a folder if nothing is in it.
    fn remove_empty(&self, _folder: &Path) {}

    /// Creates `folder`, which lies below `chosen`, following no link on the way from there: a document named it, and
    /// must not lead out of what the user chose.
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

    /// Creates a file in `folder` that has no name: it is gone with its last handle, after a crash too.
    fn create_nameless(&self, folder: &Path) -> Result<Arc<dyn PartFile>, DiskError>;

    /// Opens the part file of an earlier attempt and locks it. Follows no link.
    ///
    /// # Errors
    /// [`DiskError::Missing`] if it is gone, [`DiskError::InUse`] if another process holds its lock.
    fn open_part(&self, path: &Path) -> Result<Arc<dyn PartFile>, DiskError>;

    /// Gives a synced part file its final name and syncs the folder: after this returns, name and bytes survive a power
    /// cut. Without `replace`, an existing file is never touched.
    ///
    /// # Errors
    /// [`DiskError::Exists`] if the final name is taken and `replace` is false.
    fn publish(&self, part: &Path, final_path: &Path, replace: bool) -> Result<(), DiskError>;

    /// Creates a file of `pieces`, one behind the other, with its notes under its final name: after a crash it is there whole or not at
    /// all, and nothing else is. That it is there is durable once the folder is synced. `false` where the file system
    /// cannot make a file without a name first.
    ///
    /// # Errors
    /// [`DiskError::Exists`] if the name is taken.
    fn save_whole(&self, pieces: &[&[u8]], final_path: &Path, notes: &Notes) -> Result<bool, DiskError>;

    /// Makes the names in a folder durable.
    fn sync_folder(&self, folder: &Path) -> Result<(), DiskError>;

    /// Leaves notes on a finished file, as far as its file system takes notes. Follows no link.
    fn leave_notes(&self, _path: &Path, _notes: &Notes) {}

    /// The note of its version that a file has.
    fn version_note(&self, _path: &Path) -> Option<String> {
        None
    }

    /// Removes a file; a missing one is a success.
    fn remove(&self, path: &Path) -> Result<(), DiskError>;

    /// Removes the file at `path` if it is still the one that `stamp` was taken of; a missing one is a success. `false`
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

    /// Whether anything has this name, a broken link included.
    fn is_taken(&self, path: &Path) -> Result<bool, DiskError>;

    /// All names in `folder`, in any order; `None` where there are more than `most`, or the disk cannot tell.
    fn names_in(&self, _folder: &Path, _most: usize) -> Result<Option<Vec<OsString>>, DiskError> {
        Ok(None)
    }

    /// Whether what has the name `final_path` was put there by [`Disk::publish`] of `part`, which a crash has interrupted.
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

    /// Files of soft checkpoints beside the queue at `database`; `None` where no later process could tell whether the
    /// page cache is still the same.
    fn soft_files(&self, _database: &Path) -> Option<Arc<dyn SoftFiles>> {
        None
    }
}

/// A file that is being downloaded.
pub trait PartFile: Send + Sync + fmt::Debug {
    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), DiskError>;

    /// Writes all of `pieces`, one behind the other, at `offset`. In one call of the system, where it has one.
    fn write_all_at(&self, pieces: &[&[u8]], mut offset: u64) -> Result<(), DiskError> {
        for piece in pieces {
            self.write_at(piece, offset)?;
            offset += piece.len() as u64;
        }
        Ok(())
    }

    /// Reads at `offset` until the buffer is full or the file ends; returns the bytes read.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError>;

    /// Makes what was written durable, with the length that reading it back needs and the name it is found under.
    fn sync_data(&self) -> Result<(), DiskError>;

    /// Its length in bytes.
    fn length(&self) -> Result<u64, DiskError>;

    /// Cuts or extends it to `length` bytes.
    fn set_length(&self, length: u64) -> Result<(), DiskError>;

    /// What changes when the file does.
    fn stamp(&self) -> Result<FileStamp, DiskError>;
}

/// A file that is being uploaded.
pub trait SourceFile: Send + Sync + fmt::Debug {
    /// Reads at `offset` until the buffer is full or the file ends; returns the bytes read.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError>;

    /// What changes when the file does.
    fn stamp(&self) -> Result<FileStamp, DiskError>;
}

/// What tells one version of a local file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStamp {
    /// Length in bytes.
    pub length: u64,
    /// Modification time in nanoseconds since the Unix epoch.
    pub modified_ns: i128,
    /// The file's number in its file system.
    pub inode: u64,
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;

    /// What is written, where.
    #[derive(Debug, Default)]
    struct Written(Mutex<Vec<(u64, Vec<u8>)>>);

    impl PartFile for Written {
        fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), DiskError> {
            self.0.lock().push((offset, bytes.to_vec()));
            Ok(())
        }

        fn read_at(&self, _: &mut [u8], _: u64) -> Result<usize, DiskError> {
            unreachable!("only written to")
        }

        fn sync_data(&self) -> Result<(), DiskError> {
            unreachable!("only written to")
        }

        fn length(&self) -> Result<u64, DiskError> {
            unreachable!("only written to")
        }

        fn set_length(&self, _: u64) -> Result<(), DiskError> {
            unreachable!("only written to")
        }

        fn stamp(&self) -> Result<FileStamp, DiskError> {
            unreachable!("only written to")
        }
    }

    #[test]
    fn pieces_are_written_one_behind_the_other() {
        let file = Written::default();
        file.write_all_at(&[b"ab", b"", b"cde", b"f"], 5).unwrap();
        let expected = [(5, b"ab".to_vec()), (7, Vec::new()), (7, b"cde".to_vec()), (10, b"f".to_vec())];
        assert_eq!(*file.0.lock(), expected);
    }
}
