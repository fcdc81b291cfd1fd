//! The operating system's file system.

use std::{
    ffi::OsString,
    fs::{File, OpenOptions},
    io,
    os::{fd::AsRawFd as _, unix::fs::OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::fs::{CWD, OFlags};

use super::{
    below,
    error::DiskError,
    fat,
    file::{LocalFile, sync_folder, write_pieces},
    file_system::Disk,
    folders,
    notes::{self, Notes},
    part_file::PartFile,
    prove::prove_naming,
    rename,
    soft::{self, SoftFiles},
    source_file::SourceFile,
    stamp::FileStamp,
};

/// The operating system's file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalDisk;

/// Flags against planted links, pipes that are waited for, and inheritance.
fn safe_flags() -> i32 {
    let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    i32::try_from(flags.bits()).unwrap_or(0)
}

fn lock(file: &File, path: &Path) -> Result<(), DiskError> {
    ropeway_files::lock(file).map_err(|error| DiskError::at(path, error))
}

/// Opening a link with `O_NOFOLLOW` says `ELOOP`. Reading a pipe or a device could wait for ever.
fn opened(path: &Path, result: io::Result<File>) -> Result<File, DiskError> {
    match result {
        Ok(file) if file.metadata().is_ok_and(|metadata| !metadata.is_file()) => {
            Err(DiskError::NotAFile { path: path.to_owned() })
        }
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            Err(DiskError::NotAFile { path: path.to_owned() })
        }
        other => other.map_err(|error| DiskError::at(path, error)),
    }
}

/// Opens a file without a name; `None` where there are none.
#[cfg(target_os = "linux")]
fn open_nameless(folder: &Path, access: OFlags) -> Result<Option<File>, DiskError> {
    use rustix::{fs::Mode, io::Errno};
    let flags = OFlags::TMPFILE | OFlags::CLOEXEC | access;
    // The permissions that `File::create` asks for; the user's mask takes its part away.
    match rustix::fs::open(folder, flags, Mode::from_raw_mode(0o666)) {
        Ok(file) => Ok(Some(File::from(file))),
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => Ok(None),
        Err(error) => Err(DiskError::at(folder, error.into())),
    }
}

impl Disk for LocalDisk {
    fn create_folder(&self, folder: &Path) -> Result<Vec<PathBuf>, DiskError> {
        folders::create(folder)
    }

    fn remove_empty(&self, folder: &Path) {
        // A folder that holds something, or is in use, is to stay: that is no error.
        let _ = std::fs::remove_dir(folder);
    }

    fn create_below(&self, chosen: &Path, folder: &Path) -> Result<Vec<PathBuf>, DiskError> {
        let mut made = self.create_folder(chosen)?;
        made.extend(below::create(chosen, folder)?);
        Ok(made)
    }

    fn create_part(&self, path: &Path) -> Result<Arc<dyn PartFile>, DiskError> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        let opened_folder = File::open(folder).map_err(|error| DiskError::at(folder, error))?;
        prove_naming(&opened_folder).map_err(|error| DiskError::at(folder, error.into()))?;
        let result = OpenOptions::new().read(true).write(true).create_new(true).custom_flags(safe_flags()).open(path);
        let file = opened(path, result)?;
        lock(&file, path)?;
        Ok(Arc::new(LocalFile::new(file, path)))
    }

    fn create_nameless(&self, folder: &Path) -> Result<Arc<dyn PartFile>, DiskError> {
        #[cfg(target_os = "linux")]
        if let Some(file) = open_nameless(folder, OFlags::RDWR | OFlags::EXCL)? {
            return Ok(Arc::new(LocalFile::new(file, folder)));
        }
        // Its name is gone before a byte is in it.
        let path = folder.join(format!(".ropeway-{}.aside", std::process::id()));
        let file = self.create_part(&path)?;
        self.remove(&path)?;
        Ok(file)
    }

    fn open_part(&self, path: &Path) -> Result<Arc<dyn PartFile>, DiskError> {
        let result = OpenOptions::new().read(true).write(true).custom_flags(safe_flags()).open(path);
        let file = opened(path, result)?;
        lock(&file, path)?;
        Ok(Arc::new(LocalFile::new(file, path)))
    }

    fn publish(&self, part: &Path, final_path: &Path, replace: bool) -> Result<(), DiskError> {
        let renamed = if replace {
            rustix::fs::renameat(CWD, part, CWD, final_path)
        } else {
            rename::rename_to_free_name(CWD, part, CWD, final_path)
        };
        let folder = final_path.parent().unwrap_or(Path::new("/"));
        renamed.map_err(|error| DiskError::at(final_path, error.into()).of_rename(part, folder))?;
        sync_folder(folder)
    }

    #[cfg(not(target_os = "linux"))]
    fn save_whole(&self, _: &[&[u8]], _: &Path, _: &Notes) -> Result<bool, DiskError> {
        Ok(false)
    }

    #[cfg(target_os = "linux")]
    fn save_whole(&self, pieces: &[&[u8]], final_path: &Path, notes: &Notes) -> Result<bool, DiskError> {
        use rustix::fs::{AtFlags, linkat};
        use rustix::io::Errno;
        let folder = final_path.parent().unwrap_or(Path::new("/"));
        let Some(file) = open_nameless(folder, OFlags::WRONLY)? else { return Ok(false) };
        write_pieces(&file, pieces, 0).map_err(|error| DiskError::at(final_path, error))?;
        notes.leave_on(&file, final_path);
        file.sync_all().map_err(|error| DiskError::at(final_path, error))?;
        let open_file = format!("/proc/self/fd/{}", file.as_raw_fd());
        match linkat(CWD, open_file, CWD, final_path, AtFlags::SYMLINK_FOLLOW) {
            Ok(()) => Ok(true),
            // Without /proc there is no way from the open file to a name; without links there is none either.
            Err(Errno::NOENT | Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(false),
            Err(error) => Err(DiskError::at(final_path, error.into())),
        }
    }

    fn sync_folder(&self, folder: &Path) -> Result<(), DiskError> {
        sync_folder(folder)
    }

    fn leave_notes(&self, path: &Path, notes: &Notes) {
        let opened = OpenOptions::new().read(true).custom_flags(safe_flags()).open(path);
        match opened {
            Ok(file) => notes.leave_on(&file, path),
            Err(error) => tracing::debug!(path = %path.display(), %error, "the file is left without notes"),
        }
    }

    fn version_note(&self, path: &Path) -> Option<String> {
        notes::version_of(path)
    }

    fn remove(&self, path: &Path) -> Result<(), DiskError> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(DiskError::at(path, error)),
            _ => Ok(()),
        }
    }

    fn remove_if_same(&self, path: &Path, stamp: FileStamp) -> Result<bool, DiskError> {
        let metadata = match std::fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            outcome => outcome.map_err(|error| DiskError::at(path, error))?,
        };
        let mut now = FileStamp::of(&metadata);
        if !fat::keeps_inodes(path) {
            now.inode = stamp.inode;
        }
        if !metadata.is_file() || now != stamp {
            return Ok(false);
        }
        self.remove(path).map(|()| true)
    }

    fn length_of(&self, path: &Path) -> Result<Option<u64>, DiskError> {
        match std::fs::symlink_metadata(path) {
            Ok(metadata) => Ok(metadata.is_file().then_some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(DiskError::at(path, error)),
        }
    }

    fn is_placeholder(&self, part: &Path, final_path: &Path) -> bool {
        rename::is_placeholder(CWD, part, final_path)
    }

    fn is_taken(&self, path: &Path) -> Result<bool, DiskError> {
        match std::fs::symlink_metadata(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(DiskError::at(path, error)),
        }
    }

    fn names_in(&self, folder: &Path, most: usize) -> Result<Option<Vec<OsString>>, DiskError> {
        let entries = std::fs::read_dir(folder).map_err(|error| DiskError::at(folder, error))?;
        let names: io::Result<Vec<_>> =
            entries.take(most + 1).map(|entry| entry.map(|entry| entry.file_name())).collect();
        let names = names.map_err(|error| DiskError::at(folder, error))?;
        Ok((names.len() <= most).then_some(names))
    }

    fn free_space(&self, folder: &Path) -> Result<u64, DiskError> {
        let volume = rustix::fs::statvfs(folder).map_err(|error| DiskError::at(folder, error.into()))?;
        Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
    }

    fn longest_file(&self, folder: &Path) -> Result<u64, DiskError> {
        fat::longest_file(folder)
    }

    fn open_source(&self, path: &Path) -> Result<Arc<dyn SourceFile>, DiskError> {
        // A link to upload was named by the user, and is followed; a pipe would be waited for.
        let file = ropeway_files::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => DiskError::NotAFile { path: path.to_owned() },
            _ => DiskError::at(path, error),
        })?;
        Ok(Arc::new(LocalFile::new(file, path)))
    }

    fn soft_files(&self, database: &Path) -> Option<Arc<dyn SoftFiles>> {
        soft::beside(database)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn a_final_name_that_is_taken_is_never_touched() {
        let folder = tempfile::tempdir().unwrap();
        let (part, taken) = (folder.path().join("a.part"), folder.path().join("a"));
        LocalDisk.create_part(&part).unwrap().write_at(b"new", 0).unwrap();
        LocalDisk.create_part(&taken).unwrap().write_at(b"old", 0).unwrap();
        assert!(matches!(LocalDisk.publish(&part, &taken, false), Err(DiskError::Exists { .. })));
        assert_eq!(std::fs::read(&taken).unwrap(), b"old");
        LocalDisk.publish(&part, &taken, true).unwrap();
        assert_eq!(std::fs::read(&taken).unwrap(), b"new");
    }

    #[test]
    fn a_whole_file_appears_at_once_and_never_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let version = Some(["before ".to_owned(), " behind".to_owned()]);
        let notes = Notes { origin: "http://example.org/a".parse().unwrap(), modified: Some(7), version };
        let is_saved = LocalDisk.save_whole(&[b"n", b"ew"], &path, &notes).unwrap();
        assert!(is_saved, "the folder of this test has files without names");
        assert_eq!(std::fs::metadata(&path).unwrap().mtime(), 7);
        if let Some(note) = LocalDisk.version_note(&path) {
            assert_eq!(note, "before 7000000000 behind");
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert!(matches!(LocalDisk.save_whole(&[b"newer"], &path, &notes), Err(DiskError::Exists { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn only_the_file_that_was_meant_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a"), folder.path().join("b"));
        let save = |path: &Path, bytes: &[u8]| {
            let file = LocalDisk.create_part(path).unwrap();
            file.write_at(bytes, 0).unwrap();
            file.stamp().unwrap()
        };
        let stamp = save(&path, b"saved");
        // Another file of the same length and time gets the name.
        save(&other, b"other");
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        File::options().write(true).open(&other).unwrap().set_modified(modified).unwrap();
        rustix::fs::rename(&path, folder.path().join("kept")).unwrap();
        rustix::fs::rename(&other, &path).unwrap();
        assert!(!LocalDisk.remove_if_same(&path, stamp).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"other");
        // So does a link to the very file.
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("kept", &path).unwrap();
        assert!(!LocalDisk.remove_if_same(&path, stamp).unwrap());
        std::fs::remove_file(&path).unwrap();
        assert!(LocalDisk.remove_if_same(&path, stamp).unwrap(), "what is gone is gone");
        rustix::fs::rename(folder.path().join("kept"), &path).unwrap();
        assert!(LocalDisk.remove_if_same(&path, stamp).unwrap());
        let stamp = save(&path, b"saved");
        File::options().append(true).open(&path).unwrap().set_len(4).unwrap();
        assert!(!LocalDisk.remove_if_same(&path, stamp).unwrap(), "it was written to");
    }

    #[test]
    fn a_link_planted_at_the_part_files_name_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (victim, part) = (folder.path().join("victim"), folder.path().join("a.part"));
        LocalDisk.create_part(&victim).unwrap();
        std::os::unix::fs::symlink(&victim, &part).unwrap();
        assert!(matches!(LocalDisk.create_part(&part), Err(DiskError::Exists { .. })));
        assert!(matches!(LocalDisk.open_part(&part), Err(DiskError::NotAFile { .. })));
    }

    #[test]
    fn a_file_without_a_name_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = LocalDisk.create_nameless(folder.path()).unwrap();
        file.write_at(b"bytes", 3).unwrap();
        let mut read = [0; 8];
        assert_eq!((file.read_at(&mut read, 0).unwrap(), &read), (8, b"\0\0\0bytes"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_part_file_has_one_owner() {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join("a.part");
        let owner = LocalDisk.create_part(&part).unwrap();
        assert!(matches!(LocalDisk.open_part(&part), Err(DiskError::InUse { .. })));
        drop(owner);
        assert!(LocalDisk.open_part(&part).is_ok());
    }
}
