//! Folders below the root, reached name by name, so that no link and no race leads out of it.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, fsync, mkdirat, open, openat, unlinkat},
    io::Errno,
};

/// How folders are opened on the way: never through a link.
const STEP: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// An open folder. Everything is done relative to it, so renaming or replacing a folder above it changes nothing.
#[derive(Debug)]
pub(super) struct Folder(OwnedFd);

impl Folder {
    /// Opens the root. Its own path may lead through links: it is the administrator's word.
    pub(super) fn open_root(path: &Path) -> Result<Self, Errno> {
        open(path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map(Self)
    }

    /// Opens the folder one step below.
    ///
    /// A step at a time, with `O_NOFOLLOW` and a name that is neither `..` nor hidden, gives what `openat2` with
    /// `RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS` gives, on every kernel and wherever that call is filtered.
    fn enter(&self, name: &str) -> Result<Self, Errno> {
        openat(&self.0, name, STEP, Mode::empty()).map(Self)
    }

    /// A second handle of the same folder.
    pub(super) fn again(&self) -> Result<Self, Errno> {
        rustix::io::fcntl_dupfd_cloexec(&self.0, 0).map(Self)
    }

    /// Opens the folder that `names` lead to.
    pub(super) fn descend(&self, names: &[String]) -> Result<Self, Errno> {
        names.iter().try_fold(self.again()?, |folder, name| folder.enter(name))
    }

    /// Opens the folder that `names` lead to and makes what is missing of it.
    pub(super) fn descend_or_make(&self, names: &[String]) -> Result<(Self, Arc<MadeFolders>), Errno> {
        let mut made = MadeFolders::default();
        let mut folder = self.again()?;
        for name in names {
            let below = match folder.enter(name) {
                Err(Errno::NOENT) => {
                    match mkdirat(&folder.0, name, Mode::RWXU | Mode::RWXG | Mode::RWXO) {
                        Ok(()) => made.made.push((folder.again()?, name.clone())),
                        // Another upload made it meanwhile.
                        Err(Errno::EXIST) => {}
                        Err(errno) => return Err(errno),
                    }
                    folder.enter(name)?
                }
                outcome => outcome?,
            };
            folder = below;
        }
        Ok((folder, Arc::new(made)))
    }

    /// Opens a file for reading; [`Errno::NOENT`] unless it is a plain file itself. A link, a folder, a device or a
    /// pipe is not, and opening a pipe does not wait for its writer.
    pub(super) fn open_file(&self, name: &str) -> Result<(OwnedFd, Stat), Errno> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&self.0, name, flags, Mode::empty())?;
        let stat = fstat(&file)?;
        if FileType::from_raw_mode(stat.st_mode).is_file() { Ok((file, stat)) } else { Err(Errno::NOENT) }
    }

    /// What has this name, without following it; `None` if nothing has.
    pub(super) fn look_at(&self, name: &str) -> Result<Option<Stat>, Errno> {
        match rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Bytes that an unprivileged process may still write here.
    pub(super) fn free_space(&self) -> Result<u64, Errno> {
        let volume = rustix::fs::fstatvfs(&self.0)?;
        Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
    }

    /// Makes the names in this folder durable.
    pub(super) fn sync(&self) -> Result<(), Errno> {
        fsync(&self.0)
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Folders that an upload made. Dropped without [`MadeFolders::keep`], they are removed again if they are empty.
#[derive(Debug, Default)]
pub(super) struct MadeFolders {
    made: Vec<(Folder, String)>,
    kept: AtomicBool,
}

impl MadeFolders {
    /// Keeps the folders, durably.
    pub(super) fn keep(&self) -> Result<(), Errno> {
        if self.kept.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        self.made.iter().try_for_each(|(parent, _)| parent.sync())
    }
}

impl Drop for MadeFolders {
    fn drop(&mut self) {
        if *self.kept.get_mut() {
            return;
        }
        for (parent, name) in self.made.iter().rev() {
            // One that is in use by now is not empty and stays.
            let _ = unlinkat(parent, name, AtFlags::REMOVEDIR);
        }
    }
}
