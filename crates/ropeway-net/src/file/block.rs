//! Blocks of a file in memory, read and used again.

use std::{
    io::{self, IoSliceMut},
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use bytes::Bytes;
use parking_lot::Mutex;
use rustix::io::{Errno, ReadWriteFlags};

/// Bytes in a block: large enough that system calls cost nothing against copying, small enough to stay in the cache.
pub(super) const BLOCK_BYTES: usize = 256 * 1024;
/// Blocks kept for use again: one being read, one being sent.
const KEPT_BLOCKS: usize = 2;

/// One response's blocks. They return to it once the connection has sent them, so a long response uses the same few
/// over and over and zeroes each of them once.
#[derive(Debug, Default)]
pub(super) struct Blocks(Arc<Mutex<Vec<Vec<u8>>>>);

impl Blocks {
    /// An empty block.
    pub(super) fn take(&self) -> Block {
        let space = self.0.lock().pop().unwrap_or_else(|| vec![0; BLOCK_BYTES]);
        Block { space, filled: 0, home: Arc::clone(&self.0) }
    }
}

/// A block and how much of it is filled.
#[derive(Debug)]
pub(super) struct Block {
    space: Vec<u8>,
    filled: usize,
    home: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Block {
    /// Reads up to `most` bytes at `offset` if they are in memory already; `None` if the disk would have to be waited
    /// for, or the system cannot tell.
    pub(super) fn read_cached(&mut self, file: &OwnedFd, offset: u64, most: usize) -> Option<io::Result<()>> {
        match rustix::io::preadv2(file, &mut [IoSliceMut::new(self.room(most))], offset, ReadWriteFlags::NOWAIT) {
            Ok(filled) => {
                self.filled = filled;
                Some(Ok(()))
            }
            Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INTR) => None,
            Err(errno) => Some(Err(errno.into())),
        }
    }

    /// Reads up to `most` bytes at `offset`, waiting for the disk.
    pub(super) fn read(&mut self, file: &OwnedFd, offset: u64, most: usize) -> io::Result<()> {
        let room = self.room(most);
        self.filled = rustix::io::retry_on_intr(|| rustix::io::pread(file.as_fd(), &mut *room, offset))?;
        Ok(())
    }

    fn room(&mut self, most: usize) -> &mut [u8] {
        let end = most.min(self.space.len());
        self.space.get_mut(..end).unwrap_or_default()
    }

    /// How many bytes were read.
    pub(super) const fn filled(&self) -> usize {
        self.filled
    }

    /// The bytes, without copying them.
    pub(super) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        self.space.get(..self.filled).unwrap_or_default()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let mut kept = self.home.lock();
        if kept.len() < KEPT_BLOCKS {
            kept.push(std::mem::take(&mut self.space));
        }
    }
}
