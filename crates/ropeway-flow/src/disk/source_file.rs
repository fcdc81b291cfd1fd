//! A file on its way out.

use std::fmt;

use super::{error::DiskError, stamp::FileStamp};

/// A file that is being uploaded.
pub trait SourceFile: Send + Sync + fmt::Debug {
    /// Reads at `offset` until the buffer is full or the file ends.
    /// Returns the bytes read.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError>;

    /// Stamp that changes when the file does.
    fn stamp(&self) -> Result<FileStamp, DiskError>;
}
