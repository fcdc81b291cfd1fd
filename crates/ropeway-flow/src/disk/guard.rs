//! Part files that are not believed again once their sync failed.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use super::{
    error::DiskError, file_system::Disk, notes::Notes, part_file::PartFile, soft::SoftFiles, source_file::SourceFile,
    stamp::FileStamp,
};

/// A disk whose part files stay failed.
///
/// After a failed sync the kernel may count the pages as clean although they never reached the storage: the next sync
/// succeeds and the bytes are lost all the same. Whoever goes on has to open the file anew and to write again what no
/// earlier sync has covered.
#[derive(Debug)]
pub struct Guard(pub Arc<dyn Disk>);

#[derive(Debug)]
struct GuardedFile {
    file: Arc<dyn PartFile>,
    has_failed: AtomicBool,
}

fn guarded(file: Arc<dyn PartFile>) -> Arc<dyn PartFile> {
    Arc::new(GuardedFile { file, has_failed: AtomicBool::new(false) })
}

impl Disk for Guard {
    fn create_folder(&self, folder: &Path) -> Result<Vec<PathBuf>, DiskError> {
        self.0.create_folder(folder)
    }

    fn remove_empty(&self, folder: &Path) {
        self.0.remove_empty(folder);
    }

    fn create_below(&self, chosen: &Path, folder: &Path) -> Result<Vec<PathBuf>, DiskError> {
        self.0.create_below(chosen, folder)
    }

    fn create_part(&self, path: &Path) -> Result<Arc<dyn PartFile>, DiskError> {
        self.0.create_part(path).map(guarded)
    }

    fn create_nameless(&self, folder: &Path) -> Result<Arc<dyn PartFile>, DiskError> {
        self.0.create_nameless(folder).map(guarded)
    }

    fn open_part(&self, path: &Path) -> Result<Arc<dyn PartFile>, DiskError> {
        self.0.open_part(path).map(guarded)
    }

    fn publish(&self, part: &Path, final_path: &Path, replace: bool) -> Result<(), DiskError> {
        self.0.publish(part, final_path, replace)
    }

    fn save_whole(&self, pieces: &[&[u8]], final_path: &Path, notes: &Notes) -> Result<bool, DiskError> {
        self.0.save_whole(pieces, final_path, notes)
    }

    fn sync_folder(&self, folder: &Path) -> Result<(), DiskError> {
        self.0.sync_folder(folder)
    }

    fn leave_notes(&self, path: &Path, notes: &Notes) {
        self.0.leave_notes(path, notes);
    }

    fn version_note(&self, path: &Path) -> Option<String> {
        self.0.version_note(path)
    }

    fn remove(&self, path: &Path) -> Result<(), DiskError> {
        self.0.remove(path)
    }

    fn remove_if_same(&self, path: &Path, stamp: FileStamp) -> Result<bool, DiskError> {
        self.0.remove_if_same(path, stamp)
    }

    fn length_of(&self, path: &Path) -> Result<Option<u64>, DiskError> {
        self.0.length_of(path)
    }

    fn is_placeholder(&self, part: &Path, final_path: &Path) -> bool {
        self.0.is_placeholder(part, final_path)
    }

    fn is_taken(&self, path: &Path) -> Result<bool, DiskError> {
        self.0.is_taken(path)
    }

    fn names_in(&self, folder: &Path, most: usize) -> Result<Option<Vec<OsString>>, DiskError> {
        self.0.names_in(folder, most)
    }

    fn free_space(&self, folder: &Path) -> Result<u64, DiskError> {
        self.0.free_space(folder)
    }

    fn longest_file(&self, folder: &Path) -> Result<u64, DiskError> {
        self.0.longest_file(folder)
    }

    fn open_source(&self, path: &Path) -> Result<Arc<dyn SourceFile>, DiskError> {
        self.0.open_source(path)
    }

    fn soft_files(&self, database: &Path) -> Option<Arc<dyn SoftFiles>> {
        self.0.soft_files(database)
    }
}

impl PartFile for GuardedFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), DiskError> {
        self.file.write_at(bytes, offset)
    }

    fn write_all_at(&self, pieces: &[&[u8]], offset: u64) -> Result<(), DiskError> {
        self.file.write_all_at(pieces, offset)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError> {
        self.file.read_at(buffer, offset)
    }

    fn sync_data(&self) -> Result<(), DiskError> {
        if self.has_failed.load(SeqCst) {
            return Err(DiskError::Unsynced);
        }
        self.file.sync_data().inspect_err(|_| self.has_failed.store(true, SeqCst))
    }

    fn length(&self) -> Result<u64, DiskError> {
        self.file.length()
    }

    fn set_length(&self, length: u64) -> Result<(), DiskError> {
        self.file.set_length(length)
    }

    fn stamp(&self) -> Result<FileStamp, DiskError> {
        self.file.stamp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::LocalDisk;

    /// A part file whose first sync fails.
    #[derive(Debug, Default)]
    struct FailsOnce(AtomicBool);

    impl PartFile for FailsOnce {
        fn write_at(&self, _: &[u8], _: u64) -> Result<(), DiskError> {
            Ok(())
        }

        fn read_at(&self, _: &mut [u8], _: u64) -> Result<usize, DiskError> {
            Ok(0)
        }

        fn sync_data(&self) -> Result<(), DiskError> {
            if self.0.swap(true, SeqCst) { Ok(()) } else { Err(DiskError::Unsynced) }
        }

        fn length(&self) -> Result<u64, DiskError> {
            Ok(0)
        }

        fn set_length(&self, _: u64) -> Result<(), DiskError> {
            Ok(())
        }

        fn stamp(&self) -> Result<FileStamp, DiskError> {
            Err(DiskError::Unsynced)
        }
    }

    #[test]
    fn a_part_file_whose_sync_failed_once_is_not_believed_again() {
        let file = guarded(Arc::new(FailsOnce::default()));
        assert!(file.sync_data().is_err());
        assert!(matches!(file.sync_data(), Err(DiskError::Unsynced)), "the disk itself would say that all is well");
    }

    #[test]
    fn whole_files_are_saved_by_the_disk_below() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let notes = Notes { origin: "http://example.org/".parse().unwrap(), modified: None, version: None };
        assert!(Guard(Arc::new(LocalDisk)).save_whole(&[b"by", b"tes"], &path, &notes).unwrap());
        assert_eq!(std::fs::read(path).unwrap(), b"bytes");
    }
}
