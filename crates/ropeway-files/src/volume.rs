//! What volumes of networks and of virtual machines cannot do, and is done without.

use std::{
    fs::{File, TryLockError},
    io,
};

/// Makes the names in an open folder durable, where its volume can be told to.
///
/// # Errors
/// What the system says, but for that the volume syncs no folders: the name is there, and more cannot be had.
#[cfg(unix)]
pub fn sync_folder(folder: impl std::os::fd::AsFd) -> io::Result<()> {
    match rustix::fs::fsync(folder) {
        Err(errno) if syncs_no_folders(errno) => Ok(()),
        synced => Ok(synced?),
    }
}

/// Locks an open file for this process, where its volume has locks.
///
/// # Errors
/// [`io::ErrorKind::WouldBlock`] where another process has it.
pub fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Err(TryLockError::Error(error)) if has_no_locks(&error) => Ok(()),
        locked => Ok(locked?),
    }
}

#[cfg(unix)]
fn syncs_no_folders(errno: rustix::io::Errno) -> bool {
    use rustix::io::Errno;
    matches!(errno, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::BADF)
}

#[cfg(unix)]
fn has_no_locks(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(Errno::from_io_error(error), Some(Errno::NOLCK | Errno::NOSYS | Errno::OPNOTSUPP))
}

#[cfg(not(unix))]
fn has_no_locks(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
}

#[cfg(all(test, unix))]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn what_a_volume_cannot_do_is_told_from_what_went_wrong() {
        for errno in [Errno::IO, Errno::NOSPC, Errno::ACCESS, Errno::WOULDBLOCK] {
            assert!(!syncs_no_folders(errno) && !has_no_locks(&errno.into()), "{errno}");
        }
        assert!(has_no_locks(&Errno::NOLCK.into()) && syncs_no_folders(Errno::INVAL));
    }

    #[test]
    fn a_file_that_is_locked_is_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let open = || File::options().write(true).create(true).truncate(false).open(&path).unwrap();
        let (first, second) = (open(), open());
        lock(&first).unwrap();
        assert_eq!(lock(&second).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(first);
        lock(&second).unwrap();
        sync_folder(File::open(folder.path()).unwrap()).unwrap();
    }
}
