//! What volumes of networks and of virtual machines cannot do, and is done without.

use std::{fs::File, io};

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
#[cfg(unix)]
pub fn lock(file: &File) -> io::Result<()> {
    use rustix::fs::{FlockOperation, flock};
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Err(errno) if has_no_locks(errno) => Ok(()),
        locked => Ok(locked?),
    }
}

#[cfg(unix)]
fn syncs_no_folders(errno: rustix::io::Errno) -> bool {
    use rustix::io::Errno;
    matches!(errno, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::BADF)
}

#[cfg(unix)]
fn has_no_locks(errno: rustix::io::Errno) -> bool {
    use rustix::io::Errno;
    matches!(errno, Errno::NOLCK | Errno::NOSYS | Errno::OPNOTSUPP)
}

#[cfg(all(test, unix))]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn what_a_volume_cannot_do_is_told_from_what_went_wrong() {
        for errno in [Errno::IO, Errno::NOSPC, Errno::ACCESS, Errno::WOULDBLOCK] {
            assert!(!syncs_no_folders(errno) && !has_no_locks(errno), "{errno}");
        }
        assert!(has_no_locks(Errno::NOLCK) && syncs_no_folders(Errno::INVAL));
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
