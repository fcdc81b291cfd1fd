//! Room on the volume of the data folder that is kept for the day on which it is full: to start, and to take jobs off the
//! list, needs some.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use rustix::fs::FallocateFlags;

/// Bytes that are kept: the index of the queue's log, a few changes and the endpoint's file, many times over.
const BYTES: u64 = 1 << 20;
/// The reserve is made where this much would be left all the same.
const PLENTY: u64 = 16 * BYTES;
/// The file that takes the room.
const NAME: &str = "reserve";

/// Gives the room back where there is hardly any other.
pub(crate) fn release_if_needed(folder: &Path) {
    if room(folder).is_ok_and(|room| room < BYTES) && fs::remove_file(folder.join(NAME)).is_ok() {
        tracing::warn!(folder = %folder.display(), "the volume of the queue is full: the reserve is used");
    }
}

/// Takes the room, unless it is taken already or there is little.
pub(crate) fn keep(folder: &Path) {
    let kept = take(folder);
    if let Err(error) = kept {
        tracing::debug!(folder = %folder.display(), %error, "no room is kept for a full volume");
    }
}

fn take(folder: &Path) -> io::Result<()> {
    let path = folder.join(NAME);
    if room(folder)? < PLENTY {
        return Ok(());
    }
    let file = ropeway_files::open_private(&path)?;
    if file.metadata()?.len() >= BYTES {
        return Ok(());
    }
    let taken = allocate(&file);
    if taken.is_err() {
        fs::remove_file(&path)?;
    }
    taken
}

/// Real room: a hole would take none.
fn allocate(file: &File) -> io::Result<()> {
    Ok(rustix::fs::fallocate(file, FallocateFlags::empty(), 0, BYTES)?)
}

/// Bytes that are free for this user.
fn room(folder: &Path) -> io::Result<u64> {
    let volume = rustix::fs::statvfs(folder)?;
    Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
}

/// Whether hardly any room is left.
pub(crate) fn is_full(folder: &Path) -> bool {
    room(folder).is_ok_and(|room| room < BYTES)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn the_reserve_takes_real_room_and_stays_while_there_is_plenty() {
        let folder = tempfile::tempdir().unwrap();
        keep(folder.path());
        let metadata = fs::metadata(folder.path().join(NAME)).unwrap();
        assert!(metadata.len() == BYTES && metadata.blocks() * 512 >= BYTES, "{metadata:?}");
        release_if_needed(folder.path());
        keep(folder.path());
        assert!(folder.path().join(NAME).exists());
        assert!(!is_full(folder.path()));
    }
}
