//! Who may put another file in the place of the queue, and that nobody opens it meanwhile.

use std::{fs::File, io, path::Path};

/// The lock of a queue's folder, held by everybody while he opens the queue, and by one alone while he changes files. The
/// kernel takes it back when its owner dies.
#[derive(Debug)]
pub(crate) struct SwapLock {
    _folder: File,
}

impl SwapLock {
    /// Waits while somebody puts another file in the place of the queue at `path`: as long as its rows are copied.
    pub(crate) fn shared(path: &Path) -> io::Result<Self> {
        let folder = folder_of(path)?;
        folder.lock_shared()?;
        Ok(Self { _folder: folder })
    }

    /// Waits until nobody opens the queue at `path` or puts another file in its place.
    pub(crate) fn exclusive(path: &Path) -> io::Result<Self> {
        let folder = folder_of(path)?;
        folder.lock()?;
        Ok(Self { _folder: folder })
    }
}

fn folder_of(path: &Path) -> io::Result<File> {
    File::open(std::path::absolute(path)?.parent().unwrap_or(Path::new("/")))
}
