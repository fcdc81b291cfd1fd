//! One process per queue: a lock on a file of the data folder, which the kernel takes back when its owner dies.

use std::{fs::File, io, os::unix::fs::OpenOptionsExt as _, path::Path};

use rustix::fs::FlockOperation;

use crate::OpenError;

/// Held while the queue is ours.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the lock of a folder or says who cannot.
    pub(crate) fn take(folder: &Path) -> Result<Self, OpenError> {
        let mut options = File::options();
        // For the user alone: who can open a file can lock it.
        let options = options.create(true).truncate(false).write(true).mode(0o600);
        let open = options.open(folder.join("lock"));
        let unusable = |error: io::Error| OpenError::Unusable { folder: folder.to_owned(), reason: error.to_string() };
        let file = open.map_err(unusable)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::InUse { folder: folder.to_owned() }),
            Err(error) => Err(unusable(error.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_owner_until_it_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let owner = FolderLock::take(folder.path()).unwrap();
        assert!(matches!(FolderLock::take(folder.path()), Err(OpenError::InUse { .. })));
        drop(owner);
        assert!(FolderLock::take(folder.path()).is_ok());
    }
}
