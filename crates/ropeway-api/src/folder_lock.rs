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
/// The lock that single commands share while they have their queue open.
const ONCE: &str = "once.lock";
/// The lock of whoever is about to share that one, and, alone, of whoever looks whether others share it. A shared lock
/// that becomes an exclusive one is let go for a moment, in which nobody may come or look.
const ONCE_TURN: &str = "once.turn.lock";
/// Who only looks whether a queue is run holds its lock for a moment: so long is tried again.
const LOOKS_TAKE: Duration = Duration::from_millis(500);
/// Who forgets unfinished jobs holds his turn while their files are deleted: so long is tried again.
const TURN_TAKES: Duration = Duration::from_secs(10);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// Held while the queue is ours.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

/// Held while the queue of single commands is open.
#[derive(Debug)]
pub(crate) struct OnceLock {
    file: File,
    turn: File,
}

/// Held while nobody else has the queue of single commands open, or opens it.
#[derive(Debug)]
pub(crate) struct Alone<'a>(&'a OnceLock);

/// What is held of the queue.
#[derive(Debug)]
pub(crate) enum QueueLock {
    /// The user's, alone.
    Own(#[expect(dead_code, reason = "held, not looked at")] FolderLock),
    /// That of single commands.
    Shared(OnceLock),
    /// One in memory, which nobody else can reach.
    None,
}

impl QueueLock {
    /// What keeps others from the queue of single commands, if nobody else has it open.
    pub(crate) fn alone(&self) -> Option<Alone<'_>> {
        match self {
            Self::Shared(lock) => lock.alone(),
            Self::Own(_) | Self::None => None,
        }
    }
}

impl FolderLock {
    /// Takes the lock of a folder or says who cannot.
    pub(crate) fn take(folder: &Path) -> Result<Self, OpenError> {
        let unusable = |error: io::Error| OpenError::unusable(folder, &error);
        let file = ropeway_files::open_private(&folder.join(QUEUE)).map_err(unusable)?;
        match lock(&file, FlockOperation::NonBlockingLockExclusive, LOOKS_TAKE) {
            Ok(()) => Ok(Self { _file: file }),
            Err(Errno::WOULDBLOCK) => Err(OpenError::InUse { folder: folder.to_owned() }),
            Err(error) => Err(unusable(error.into())),
        }
    }
}

impl OnceLock {
    /// Shares the queue of single commands.
    ///
    /// # Errors
    /// [`OpenError::Unusable`] where the folder cannot be written or somebody forgets jobs for too long: without the lock
    /// the queue must not be used, since others would take its jobs for abandoned ones.
    pub(crate) fn share(folder: &Path) -> Result<Self, OpenError> {
        let unusable = |error: io::Error| OpenError::unusable(folder, &error);
        let open = |name| ropeway_files::open_private(&folder.join(name)).map_err(unusable);
        let (file, turn) = (open(ONCE)?, open(ONCE_TURN)?);
        let shared = FlockOperation::NonBlockingLockShared;
        lock(&turn, shared, TURN_TAKES)
            .and_then(|()| lock(&file, shared, TURN_TAKES))
            .map_err(|error| unusable(error.into()))?;
        // Not held on: whoever has his turn is to find nobody but those who came before.
        unlock(&turn);
        Ok(Self { file, turn })
    }

    /// What keeps others from coming, if nobody else shares it at this moment.
    pub(crate) fn alone(&self) -> Option<Alone<'_>> {
        lock(&self.turn, FlockOperation::NonBlockingLockExclusive, TURN_TAKES).ok()?;
        // Ends the turn, too, where others share it.
        let alone = Alone(self);
        rustix::fs::flock(&self.file, FlockOperation::NonBlockingLockExclusive).is_ok().then_some(alone)
    }
}

impl Drop for Alone<'_> {
    /// Shares the queue as before: nobody else can have taken it meanwhile.
    fn drop(&mut self) {
        if let Err(error) = rustix::fs::flock(&self.0.file, FlockOperation::NonBlockingLockShared) {
            tracing::error!(%error, "the lock of the queue is lost");
        }
        unlock(&self.0.turn);
    }
}

/// Tries for the lock until somebody else has held it for `patience`.
fn lock(file: &File, how: FlockOperation, patience: Duration) -> Result<(), Errno> {
    let started = Instant::now();
    loop {
        match rustix::fs::flock(file, how) {
            Err(Errno::WOULDBLOCK) if started.elapsed() < patience => thread::sleep(PAUSE),
            outcome => return outcome,
        }
    }
}

/// It cannot fail for a lock that is held, and closing the file does the same.
fn unlock(file: &File) {
    let _ = rustix::fs::flock(file, FlockOperation::NonBlockingUnlock);
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
        let (one, other) = (OnceLock::share(folder.path()).unwrap(), OnceLock::share(folder.path()).unwrap());
        assert!(one.alone().is_none());
        assert!(other.alone().is_none(), "who asked shares it as before");
        drop(other);
        drop(one.alone().unwrap());
        let other = OnceLock::share(folder.path()).unwrap();
        assert!(other.alone().is_none(), "who was alone shares it as before");
    }

    #[test]
    fn who_comes_while_one_is_alone_waits_and_shares_it_then() {
        let folder = tempfile::tempdir().unwrap();
        let one = OnceLock::share(folder.path()).unwrap();
        let alone = one.alone().unwrap();
        let path = folder.path().to_owned();
        let coming = thread::spawn(move || OnceLock::share(&path));
        drop(alone);
        let other = coming.join().unwrap().unwrap();
        assert!(one.alone().is_none());
        drop(other);
        assert!(one.alone().is_some());
    }
}
