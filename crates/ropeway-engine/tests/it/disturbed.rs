//! The real disk, disturbed in one place.

use std::{fmt, path::Path, sync::Arc};

use ropeway_engine::disk::{Disk, DiskError, LocalDisk, PartFile, SourceFile};

/// What a test does to the disk; what it leaves out is as the operating system has it.
pub(crate) trait Disturbance: fmt::Debug + Send + Sync {
    /// A part file was created or opened.
    fn part(&self, part: Arc<dyn PartFile>) -> Arc<dyn PartFile> {
        part
    }

    /// A part file got its final name.
    fn published(&self, final_path: &Path) -> Result<(), DiskError> {
        let _ = final_path;
        Ok(())
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
    fn create_folder(&self, folder: &Path) -> Result<(), DiskError> {
        LocalDisk.create_folder(folder)
    }

    fn create_part(&self, path: &Path) -> Result<Arc<dyn PartFile>, DiskError> {
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

    fn save_whole(&self, bytes: &[u8], final_path: &Path) -> Result<bool, DiskError> {
        LocalDisk.save_whole(bytes, final_path)
    }

    fn remove(&self, path: &Path) -> Result<(), DiskError> {
        LocalDisk.remove(path)
    }

    fn length_of(&self, path: &Path) -> Result<Option<u64>, DiskError> {
        LocalDisk.length_of(path)
    }

    fn is_taken(&self, path: &Path) -> Result<bool, DiskError> {
        LocalDisk.is_taken(path)
    }

    fn free_space(&self, folder: &Path) -> Result<u64, DiskError> {
        self.0.free_space(folder)
    }

    fn longest_file(&self, folder: &Path) -> Result<u64, DiskError> {
        LocalDisk.longest_file(folder)
    }

    fn open_source(&self, path: &Path) -> Result<Arc<dyn SourceFile>, DiskError> {
        LocalDisk.open_source(path)
    }
}
