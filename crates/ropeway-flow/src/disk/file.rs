//! Open files of the operating system.

use std::{
    fs::File,
    io::{self, IoSlice},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering::SeqCst},
};

use super::{error::DiskError, part_file::PartFile, source_file::SourceFile, stamp::FileStamp};

/// Pieces that one call takes (`IOV_MAX` of Linux and its likes).
const MOST_PIECES: usize = 1024;

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), DiskError> {
    let synced = File::open(folder).and_then(ropeway_files::sync_folder);
    synced.map_err(|error| DiskError::at(folder, error))
}

/// An open file that knows its name, so that its errors do.
#[derive(Debug)]
pub(super) struct LocalFile {
    file: File,
    path: PathBuf,
    /// Name survives a power cut, too.
    has_durable_name: AtomicBool,
}

impl LocalFile {
    pub(super) fn new(file: File, path: &Path) -> Self {
        Self { file, path: path.to_owned(), has_durable_name: AtomicBool::new(false) }
    }

    fn fill(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let at = offset + u64::try_from(filled).unwrap_or(u64::MAX);
            match self.file.read_at(rest, at) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(DiskError::at(&self.path, error)),
            }
        }
        Ok(filled)
    }

    fn stamped(&self) -> Result<FileStamp, DiskError> {
        self.named(self.file.metadata()).map(|metadata| FileStamp::of(&metadata))
    }

    fn named<T>(&self, result: io::Result<T>) -> Result<T, DiskError> {
        result.map_err(|error| DiskError::at(&self.path, error))
    }
}

/// Writes all pieces in as few calls as the system needs.
pub(super) fn write_pieces(file: &File, pieces: &[&[u8]], mut offset: u64) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
    let mut left = slices.as_mut_slice();
    while !left.is_empty() {
        match rustix::io::pwritev(file, left.get(..MOST_PIECES).unwrap_or(left), offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                IoSlice::advance_slices(&mut left, count);
                offset += count as u64;
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

impl PartFile for LocalFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), DiskError> {
        self.named(self.file.write_all_at(bytes, offset))
    }

    fn write_all_at(&self, pieces: &[&[u8]], offset: u64) -> Result<(), DiskError> {
        let [first, ..] = pieces else { return Ok(()) };
        if pieces.len() == 1 {
            return self.write_at(first, offset);
        }
        self.named(write_pieces(&self.file, pieces, offset))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError> {
        self.fill(buffer, offset)
    }

    fn sync_data(&self) -> Result<(), DiskError> {
        self.named(self.file.sync_data())?;
        if !self.has_durable_name.load(SeqCst) {
            sync_folder(self.path.parent().unwrap_or(Path::new("/")))?;
            self.has_durable_name.store(true, SeqCst);
        }
        Ok(())
    }

    fn length(&self) -> Result<u64, DiskError> {
        self.named(self.file.metadata()).map(|metadata| metadata.len())
    }

    fn set_length(&self, length: u64) -> Result<(), DiskError> {
        self.named(self.file.set_len(length))
    }

    fn stamp(&self) -> Result<FileStamp, DiskError> {
        self.stamped()
    }
}

impl SourceFile for LocalFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError> {
        self.fill(buffer, offset)
    }

    fn stamp(&self) -> Result<FileStamp, DiskError> {
        self.stamped()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk as _, LocalDisk};

    #[test]
    fn pieces_are_written_one_behind_the_other_however_many() {
        let folder = tempfile::tempdir().unwrap();
        let part = LocalDisk.create_part(&folder.path().join("a.part")).unwrap();
        let bytes: Vec<u8> = (0..3 * MOST_PIECES).map(|number| u8::try_from(number % 251).unwrap()).collect();
        let pieces: Vec<&[u8]> = bytes.chunks(1).chain([[].as_slice()]).collect();
        part.write_all_at(&pieces, 7).unwrap();
        let mut read = vec![0; bytes.len() + 7];
        assert_eq!(part.read_at(&mut read, 0).unwrap(), read.len());
        assert_eq!((&read[..7], &read[7..]), ([0; 7].as_slice(), bytes.as_slice()));
    }

    #[test]
    fn the_first_sync_of_a_part_file_makes_its_name_durable_too() {
        let parent = tempfile::tempdir().unwrap();
        let (folder, elsewhere) = (parent.path().join("folder"), parent.path().join("elsewhere"));
        LocalDisk.create_folder(&folder).unwrap();
        let part = LocalDisk.create_part(&folder.join("a.part")).unwrap();
        part.write_at(b"bytes", 0).unwrap();
        // A folder that is not where it was cannot be synced; the file alone could.
        rustix::fs::rename(&folder, &elsewhere).unwrap();
        assert!(part.sync_data().is_err(), "the name was not made durable");
        rustix::fs::rename(&elsewhere, &folder).unwrap();
        part.sync_data().unwrap();
        rustix::fs::rename(&folder, &elsewhere).unwrap();
        part.sync_data().expect("the name is durable by now");
    }
}
