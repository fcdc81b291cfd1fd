//! One process per queue: a lock on a file of the data folder, which the kernel takes back when its owner dies.

use std::{
    fs::File,
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::{fs::FlockOperation, io::Errno};

use crate::OpenError;

/// The lock of the user's queue.
const QUEUE: &str = "lock";
/// The lock of the queue that single commands share.
const ONCE: &str = "once.lock";
/// Who only looks whether a queue is run holds its lock for a moment: so long is tried again.
const LOOKS_TAKE: Duration = Duration::from_millis(500);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// Held while the queue is ours.
#[derive(Debug)]
pub(crate) struct FolderLock {
    file: File,
}

impl FolderLock {
    /// Takes the lock of a folder or says who cannot.
    pub(crate) fn take(folder: &Path) -> Result<Self, OpenError> {
        let unusable = |error: io::Error| OpenError::unusable(folder, &error);
        let file = ropeway_files::open_private(&folder.join(QUEUE)).map_err(unusable)?;
        let started = Instant::now();
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { file }),
                Err(Errno::WOULDBLOCK) if started.elapsed() < LOOKS_TAKE => thread::sleep(PAUSE),
                Err(Errno::WOULDBLOCK) => return Err(OpenError::InUse { folder: folder.to_owned() }),
                Err(error) => return Err(unusable(error.into())),
            }
        }
    }

    /// Shares the queue of single commands; `None` where its folder cannot be written, which then tells nobody anything.
    pub(crate) fn share(folder: &Path) -> Option<Self> {
        let file = ropeway_files::open_private(&folder.join(ONCE)).ok()?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared).ok()?;
        Some(Self { file })
    }

    /// Whether nobody else shares it at this moment; from then on nobody begins to, while this is held.
    pub(crate) fn is_alone(&self) -> bool {
        rustix::fs::flock(&self.file, FlockOperation::NonBlockingLockExclusive).is_ok()
    }
}

/// Whether a process runs the queue of a data folder: only a living one holds its lock.
///
/// # Errors
/// What the system says if that cannot be known.
pub fn is_running(folder: &Path) -> io::Result<bool> {
    let file = match ropeway_files::open(&folder.join(QUEUE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened?,
    };
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_owner_until_it_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_running(folder.path()).unwrap());
        let owner = FolderLock::take(folder.path()).unwrap();
        assert!(is_running(folder.path()).unwrap());
        assert!(matches!(FolderLock::take(folder.path()), Err(OpenError::InUse { .. })));
        drop(owner);
        assert!(!is_running(folder.path()).unwrap(), "the file stays, and says nothing");
        assert!(FolderLock::take(folder.path()).is_ok());
    }

    #[test]
    fn a_shared_queue_tells_whether_one_is_alone_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (FolderLock::share(folder.path()).unwrap(), FolderLock::share(folder.path()).unwrap());
        assert!(!one.is_alone());
        drop(other);
        assert!(one.is_alone());
    }
}
