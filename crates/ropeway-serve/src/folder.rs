//! Folders below the root, reached name by name, so that no link and no race leads out of it.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, mkdirat, open, openat, unlinkat},
    io::Errno,
};

/// How folders are opened on the way: never through a link.
const STEP: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// An open folder. Everything is done relative to it, so renaming or replacing a folder above it changes nothing.
#[derive(Debug)]
pub(crate) struct Folder(OwnedFd);

impl Folder {
    /// Opens the root. Its own path may lead through links: it is the administrator's word.
    pub(crate) fn open_root(path: &Path) -> Result<Self, Errno> {
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
    pub(crate) fn again(&self) -> Result<Self, Errno> {
        rustix::io::fcntl_dupfd_cloexec(&self.0, 0).map(Self)
    }

    /// Opens the folder that `names` lead to.
    pub(crate) fn descend(&self, names: &[String]) -> Result<Self, Errno> {
        names.iter().try_fold(self.again()?, |folder, name| folder.enter(name))
    }

    /// Opens the deepest folder on the way of `names` that there is, and tells how many of them lead to it.
    pub(crate) fn descend_as_far_as_possible(&self, names: &[String]) -> Result<(Self, usize), Errno> {
        let mut folder = self.again()?;
        for (depth, name) in names.iter().enumerate() {
            folder = match folder.enter(name) {
                Err(Errno::NOENT) => return Ok((folder, depth)),
                outcome => outcome?,
            };
        }
        Ok((folder, names.len()))
    }

    /// Opens the folder that `names` lead to and makes what is missing of it. The folders behind the first `known` of
    /// them may be new, whoever made them.
    pub(crate) fn descend_or_make(&self, names: &[String], known: usize) -> Result<(Self, NewFolders), Errno> {
        let mut new = NewFolders::default();
        let mut folder = self.again()?;
        for (depth, name) in names.iter().enumerate() {
            let mut is_ours = false;
            let below = match folder.enter(name) {
                Err(Errno::NOENT) => {
                    match mkdirat(&folder.0, name, Mode::RWXU | Mode::RWXG | Mode::RWXO) {
                        Ok(()) => is_ours = true,
                        // Another upload made it meanwhile.
                        Err(Errno::EXIST) => {}
                        Err(errno) => return Err(errno),
                    }
                    let parent = folder.again()?;
                    new.steps.push(Step { parent, name: name.clone(), is_ours });
                    folder.enter(name)?
                }
                outcome => {
                    if depth >= known {
                        new.steps.push(Step { parent: folder.again()?, name: name.clone(), is_ours });
                    }
                    outcome?
                }
            };
            folder = below;
        }
        Ok((folder, new))
    }

    /// Opens a file for reading; [`Errno::NOENT`] unless it is a plain file itself. A link, a folder, a device or a
    /// pipe is not, and opening a pipe does not wait for its writer.
    pub(crate) fn open_file(&self, name: &str) -> Result<(OwnedFd, Stat), Errno> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&self.0, name, flags, Mode::empty())?;
        let stat = fstat(&file)?;
        if FileType::from_raw_mode(stat.st_mode).is_file() { Ok((file, stat)) } else { Err(Errno::NOENT) }
    }

    /// What has this name, without following it; `None` if nothing has.
    pub(crate) fn look_at(&self, name: &str) -> Result<Option<Stat>, Errno> {
        match rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Bytes that an unprivileged process may still write here.
    pub(crate) fn free_space(&self) -> Result<u64, Errno> {
        let volume = rustix::fs::fstatvfs(&self.0)?;
        Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
    }

    /// Makes the names in this folder durable.
    pub(crate) fn sync(&self) -> Result<(), Errno> {
        ropeway_files::sync_folder(&self.0).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Folders that came to be since an upload began. Dropped without [`NewFolders::keep`], those that this upload made are
/// removed again where they are empty.
#[derive(Debug, Default)]
pub(crate) struct NewFolders {
    steps: Vec<Step>,
    are_kept: bool,
}

#[derive(Debug)]
struct Step {
    parent: Folder,
    name: String,
    is_ours: bool,
}

impl NewFolders {
    /// Keeps the folders, durably: whoever made one may not have got so far.
    pub(crate) fn keep(mut self) -> Result<(), Errno> {
        self.are_kept = true;
        self.steps.iter().try_for_each(|step| step.parent.sync())
    }
}

impl Drop for NewFolders {
    fn drop(&mut self) {
        if self.are_kept {
            return;
        }
        for Step { parent, name, .. } in self.steps.iter().rev().filter(|step| step.is_ours) {
            // One that is in use by now is not empty and stays.
            let _ = unlinkat(parent, name, AtFlags::REMOVEDIR);
        }
    }
}
