//! The real disk, disturbed in one place.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use ropeway_flow::disk::{Disk, DiskError, FileStamp, LocalDisk, Notes, PartFile, SourceFile};

/// What a test does to the disk; what it leaves out is as the operating system has it.
pub(crate) trait Disturbance: fmt::Debug + Send + Sync {
    /// A part file is to be created.
    fn creates(&self, path: &Path) -> Result<(), DiskError> {
        let _ = path;
        Ok(())
    }

    /// Somebody asks whether a name is taken.
    fn looks(&self, path: &Path) {
        let _ = path;
    }

    /// A part file was created or opened.
    fn part(&self, part: Arc<dyn PartFile>) -> Arc<dyn PartFile> {
        part
    }

    /// A file at rest was opened to be read.
    fn source(&self, source: Arc<dyn SourceFile>) -> Arc<dyn SourceFile> {
        source
    }

    /// A part file got its final name.
    fn published(&self, final_path: &Path) -> Result<(), DiskError> {
        let _ = final_path;
        Ok(())
    }

    /// A file is to be removed.
    fn removes(&self, path: &Path) {
        let _ = path;
    }

    /// Somebody asks for the room that is left.
    fn free_space(&self, folder: &Path) -> Result<u64, DiskError> {
        LocalDisk.free_space(folder)
    }
}

/// The real disk below a disturbance.
#[derive(Debug, Default)]
pub(crate) struct Disturbed<T>(pub(crate) T);

impl<T: Disturbance> Disk for Disturbed<T> {
    fn create_folder(&self, folder: &Path) -> Result<Vec<PathBuf>, DiskError> {
        LocalDisk.create_folder(folder)
    }

    fn create_part(&self, path: &Path) -> Result<Arc<dyn PartFile>, DiskError> {
        self.0.creates(path)?;
        LocalDisk.create_part(path).map(|part| self.0.part(part))
    }

    fn create_nameless(&self, folder: &Path) -> Result<Arc<dyn PartFile>, DiskError> {
        LocalDisk.create_nameless(folder)
    }

    fn open_part(&self, path: &Path) -> Result<Arc<dyn PartFile>, DiskError> {
        LocalDisk.open_part(path).map(|part| self.0.part(part))
    }

    fn publish(&self, part: &Path, final_path: &Path, replace: bool) -> Result<(), DiskError> {
        LocalDisk.publish(part, final_path, replace)?;
        self.0.published(final_path)
    }

    fn save_whole(&self, pieces: &[&[u8]], final_path: &Path, notes: &Notes) -> Result<bool, DiskError> {
        LocalDisk.save_whole(pieces, final_path, notes)
    }

    fn sync_folder(&self, folder: &Path) -> Result<(), DiskError> {
        LocalDisk.sync_folder(folder)
    }

    fn leave_notes(&self, path: &Path, notes: &Notes) {
        LocalDisk.leave_notes(path, notes);
    }

    fn version_note(&self, path: &Path) -> Option<String> {
        LocalDisk.version_note(path)
    }

    fn remove(&self, path: &Path) -> Result<(), DiskError> {
        self.0.removes(path);
        LocalDisk.remove(path)
    }

    fn length_of(&self, path: &Path) -> Result<Option<u64>, DiskError> {
        LocalDisk.length_of(path)
    }

    fn is_taken(&self, path: &Path) -> Result<bool, DiskError> {
        self.0.looks(path);
        LocalDisk.is_taken(path)
    }

    fn names_in(&self, folder: &Path, most: usize) -> Result<Option<Vec<OsString>>, DiskError> {
        LocalDisk.names_in(folder, most)
    }

    fn free_space(&self, folder: &Path) -> Result<u64, DiskError> {
        self.0.free_space(folder)
    }

    fn longest_file(&self, folder: &Path) -> Result<u64, DiskError> {
        LocalDisk.longest_file(folder)
    }

    fn open_source(&self, path: &Path) -> Result<Arc<dyn SourceFile>, DiskError> {
        LocalDisk.open_source(path).map(|source| self.0.source(source))
    }
}

/// What a test does to one part file; what it leaves out is as the operating system has it.
pub(crate) trait PartDisturbance: fmt::Debug + Send + Sync {
    /// Somebody writes.
    fn write(&self, part: &dyn PartFile, pieces: &[&[u8]], offset: u64) -> Result<(), DiskError> {
        part.write_all_at(pieces, offset)
    }

    /// Somebody syncs.
    fn sync(&self, part: &dyn PartFile) -> Result<(), DiskError> {
        part.sync_data()
    }
}

/// A real part file below a disturbance.
#[derive(Debug)]
pub(crate) struct DisturbedPart<T>(pub(crate) Arc<dyn PartFile>, pub(crate) T);

impl<T: PartDisturbance> PartFile for DisturbedPart<T> {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), DiskError> {
        self.write_all_at(&[bytes], offset)
    }

    fn write_all_at(&self, pieces: &[&[u8]], offset: u64) -> Result<(), DiskError> {
        self.1.write(&*self.0, pieces, offset)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError> {
        self.0.read_at(buffer, offset)
    }

    fn sync_data(&self) -> Result<(), DiskError> {
        self.1.sync(&*self.0)
    }

    fn length(&self) -> Result<u64, DiskError> {
        self.0.length()
    }

    fn set_length(&self, length: u64) -> Result<(), DiskError> {
        self.0.set_length(length)
    }

    fn stamp(&self) -> Result<FileStamp, DiskError> {
        self.0.stamp()
    }
}
