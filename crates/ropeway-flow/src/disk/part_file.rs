//! A file on its way in.

use std::fmt;

use super::{error::DiskError, stamp::FileStamp};

/// A file that is being downloaded.
pub trait PartFile: Send + Sync + fmt::Debug {
    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), DiskError>;

    /// Writes all of `pieces`, one behind the other, at `offset`. In one call of the system, where it has one.
    fn write_all_at(&self, pieces: &[&[u8]], mut offset: u64) -> Result<(), DiskError> {
        for piece in pieces {
            self.write_at(piece, offset)?;
            offset += piece.len() as u64;
        }
        Ok(())
    }

    /// Reads at `offset` until the buffer is full or the file ends.
    /// Returns the bytes read.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError>;

    /// Makes what was written durable, with its length and its name.
    fn sync_data(&self) -> Result<(), DiskError>;

    /// Its length in bytes.
    fn length(&self) -> Result<u64, DiskError>;

    /// Cuts or extends it to `length` bytes.
    fn set_length(&self, length: u64) -> Result<(), DiskError>;

    /// Stamp that changes when the file does.
    fn stamp(&self) -> Result<FileStamp, DiskError>;
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;

    /// Pieces with their offsets.
    #[derive(Debug, Default)]
    struct Written(Mutex<Vec<(u64, Vec<u8>)>>);

    impl PartFile for Written {
        fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), DiskError> {
            self.0.lock().push((offset, bytes.to_vec()));
            Ok(())
        }

        fn read_at(&self, _: &mut [u8], _: u64) -> Result<usize, DiskError> {
            unreachable!("only written to")
        }

        fn sync_data(&self) -> Result<(), DiskError> {
            unreachable!("only written to")
        }

        fn length(&self) -> Result<u64, DiskError> {
            unreachable!("only written to")
        }

        fn set_length(&self, _: u64) -> Result<(), DiskError> {
            unreachable!("only written to")
        }

        fn stamp(&self) -> Result<FileStamp, DiskError> {
            unreachable!("only written to")
        }
    }

    #[test]
    fn pieces_are_written_one_behind_the_other() {
        let file = Written::default();
        file.write_all_at(&[b"ab", b"", b"cde", b"f"], 5).unwrap();
        let expected = [(5, b"ab".to_vec()), (7, Vec::new()), (7, b"cde".to_vec()), (10, b"f".to_vec())];
        assert_eq!(*file.0.lock(), expected);
    }
}
