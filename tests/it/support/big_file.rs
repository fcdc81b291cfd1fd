//! Files too big to make or compare byte by byte.

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use ropeway_testkit::Pattern;

use super::{GIB, MIB};

/// One block; every block of a big file differs from every other one in its first eight bytes.
const BLOCK: usize = 1 << 20;

/// A folder in memory where the machine has one, so that a test of a gibibyte does not wait for a disk.
pub(crate) fn memory_folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("ropeway-test-").tempdir_in(place).unwrap()
}

/// A file of a gibibyte in `folder`.
pub(crate) fn big_file(folder: &Path) -> PathBuf {
    let file = folder.join("big.bin");
    stamped_file(&file, GIB);
    file
}

/// Writes `length` bytes to `file`, no mebibyte of which equals another one.
pub(crate) fn stamped_file(file: &Path, length: u64) {
    let mut block = Pattern::new(length).bytes(0, MIB).to_vec();
    let mut target = File::options().write(true).create_new(true).open(file).unwrap();
    for start in (0..length).step_by(BLOCK) {
        block[..8].copy_from_slice(&start.to_be_bytes());
        let rest = usize::try_from(length - start).map_or(BLOCK, |rest| rest.min(BLOCK));
        target.write_all(&block[..rest]).unwrap();
    }
}

/// Fails the test unless both files have the same bytes.
pub(crate) fn assert_same_bytes(had: &Path, expected: &Path) {
    let length = |file: &Path| file.metadata().unwrap_or_else(|error| panic!("{}: {error}", file.display())).len();
    assert_eq!(length(had), length(expected), "length of {}", had.display());
    let (mut left, mut right) = (File::open(had).unwrap(), File::open(expected).unwrap());
    let (mut left_block, mut right_block) = (vec![0; BLOCK], vec![0; BLOCK]);
    for start in (0..length(had)).step_by(BLOCK) {
        let rest = usize::try_from(length(had) - start).map_or(BLOCK, |rest| rest.min(BLOCK));
        left.read_exact(&mut left_block[..rest]).unwrap();
        right.read_exact(&mut right_block[..rest]).unwrap();
        assert!(left_block[..rest] == right_block[..rest], "{} differs within 1 MiB from {start}", had.display());
    }
}
