//! Small files of soft checkpoints, beside the queue. There is one a job, written in place and never synced.

use std::{
    fmt,
    fs::DirBuilder,
    io,
    os::unix::fs::{DirBuilderExt as _, FileExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use ropeway_model::JobId;

use super::error::DiskError;

/// Bytes of a job's file that are ever read: more than two slots of it nobody writes.
const LONGEST: u64 = 64 << 10;
/// Where the kernel tells which boot this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Number of a boot of the machine. As long as it stays the same, the page cache has lost nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootId(pub [u8; 16]);

/// Files of soft checkpoints. What is written to them outlives a kill, and not a power cut.
pub trait SoftFiles: Send + Sync + fmt::Debug {
    /// The boot that this process runs in.
    fn boot(&self) -> BootId;

    /// Writes `bytes` at `offset` into the job's file, and creates it before.
    fn write(&self, job: JobId, bytes: &[u8], offset: u64) -> Result<(), DiskError>;

    /// All bytes of the job's file; none where there is no file.
    fn read(&self, job: JobId) -> Result<Vec<u8>, DiskError>;

    /// Removes the job's file; a missing one is a success.
    fn remove(&self, job: JobId) -> Result<(), DiskError>;

    /// Jobs that have a file.
    fn jobs(&self) -> Result<Vec<JobId>, DiskError>;
}

/// Folder of the operating system, created with its first file.
#[derive(Debug)]
struct SoftFolder {
    folder: PathBuf,
    boot: BootId,
}

/// The soft files of the queue at `database`. `None` where the system does not tell which boot this is.
pub(super) fn beside(database: &Path) -> Option<Arc<dyn SoftFiles>> {
    let mut folder = database.as_os_str().to_owned();
    folder.push("-soft");
    let boot = parse(&std::fs::read_to_string(BOOT_ID).ok()?)?;
    Some(Arc::new(SoftFolder { folder: folder.into(), boot }))
}

/// The number in `text`, which the kernel writes as a UUID.
fn parse(text: &str) -> Option<BootId> {
    let digits: String = text.trim().chars().filter(|digit| *digit != '-').collect();
    let is_number = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = u128::from_str_radix(&digits, 16).ok().filter(|number| is_number && *number != 0)?;
    Some(BootId(number.to_be_bytes()))
}

impl SoftFolder {
    fn path(&self, job: JobId) -> PathBuf {
        self.folder.join(job.to_string())
    }
}

fn open(path: &Path) -> io::Result<std::fs::File> {
    let opened = ropeway_files::open_private(path);
    match (&opened, path.parent()) {
        (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new().mode(0o700).create(folder)?;
            ropeway_files::open_private(path)
        }
        _ => opened,
    }
}

impl SoftFiles for SoftFolder {
    fn boot(&self) -> BootId {
        self.boot
    }

    fn write(&self, job: JobId, bytes: &[u8], offset: u64) -> Result<(), DiskError> {
        // Not kept open: a thousand running jobs have files enough.
        let path = self.path(job);
        open(&path).and_then(|file| file.write_all_at(bytes, offset)).map_err(|error| DiskError::at(&path, error))
    }

    fn read(&self, job: JobId) -> Result<Vec<u8>, DiskError> {
        let path = self.path(job);
        match ropeway_files::read(&path, LONGEST) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(DiskError::at(&path, error)),
        }
    }

    fn remove(&self, job: JobId) -> Result<(), DiskError> {
        let path = self.path(job);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(DiskError::at(&path, error)),
            _ => Ok(()),
        }
    }

    fn jobs(&self) -> Result<Vec<JobId>, DiskError> {
        let entries = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| DiskError::at(&self.folder, error))?,
        };
        // What has another name is none of ours.
        Ok(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn id(row: i64) -> JobId {
        JobId::from_row(row)
    }

    #[test]
    fn a_boot_is_told_by_the_kernels_number_and_by_nothing_else() {
        let boot = parse("4fc15553-b604-49c4-a50c-134e540c582a\n").unwrap();
        assert_eq!(boot.0[..4], [0x4f, 0xc1, 0x55, 0x53]);
        for text in ["", "\n", "4fc15553", "00000000-0000-0000-0000-000000000000", "+fc15553b60449c4a50c134e540c582a"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn files_are_written_in_place_for_their_owner_alone_and_are_gone_once_removed() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("queue.db-soft");
        let soft = SoftFolder { folder: folder.clone(), boot: BootId([1; 16]) };
        assert_eq!((soft.read(id(7)).unwrap(), soft.jobs().unwrap()), (Vec::new(), Vec::new()));
        soft.remove(id(7)).unwrap();
        assert!(!folder.exists(), "nothing is made before something is written");
        soft.write(id(7), b"ab", 2).unwrap();
        soft.write(id(7), b"c", 2).unwrap();
        assert_eq!((soft.read(id(7)).unwrap(), soft.jobs().unwrap()), (b"\0\0cb".to_vec(), vec![id(7)]));
        for (path, expected) in [(folder.clone(), 0o700), (folder.join("7"), 0o600)] {
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, expected);
        }
        soft.remove(id(7)).unwrap();
        assert_eq!(soft.jobs().unwrap(), []);
    }

    #[test]
    fn a_link_in_the_place_of_a_file_is_not_written_through() {
        let state = tempfile::tempdir().unwrap();
        let soft = SoftFolder { folder: state.path().join("soft"), boot: BootId([1; 16]) };
        soft.write(id(1), b"kept", 0).unwrap();
        symlink(state.path().join("soft/1"), state.path().join("soft/2")).unwrap();
        assert!(soft.write(id(2), b"lost", 0).is_err());
        assert_eq!(soft.read(id(1)).unwrap(), b"kept");
    }
}
