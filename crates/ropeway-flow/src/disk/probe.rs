//! The empty file with which a volume's way of naming files is tried.

use std::{
    fs::File,
    os::fd::{AsFd, BorrowedFd},
};

use rustix::{
    fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags},
    io::Errno,
};

use super::names::MOST_PLACEHOLDER_BYTES;

/// What every probe's name begins with; hidden, so that nobody takes it for a file of theirs.
const MARK: &str = ".ropeway-probe-";
/// Hexadecimal digits of a probe's number.
const NUMBER_DIGITS: usize = 16;
/// Names tried; a second one is needed when a sweep has just taken the first.
const MOST_NAMES_TRIED: u32 = 8;

/// An empty file that is about to be renamed. It is locked as long as this lives.
#[derive(Debug)]
pub(super) struct Probe {
    /// The name it has and the one it is to get.
    pub(super) names: [String; 2],
    pub(super) _locked: File,
}

impl Probe {
    /// Creates one in the folder.
    ///
    /// # Errors
    /// What the system says to it.
    pub(super) fn create(folder: BorrowedFd<'_>) -> Result<Self, Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        for _ in 0..MOST_NAMES_TRIED {
            let number = getrandom::u64().map_err(|_| Errno::IO)?;
            let names = ["a", "b"].map(|end| format!("{MARK}{number:016x}-{end}"));
            let file = File::from(rustix::fs::openat(folder, &names[0], flags, Mode::RUSR | Mode::WUSR)?);
            // Where a volume has no locks, no sweep takes anything.
            let is_swept = lock(&file) == Err(Errno::WOULDBLOCK) || rustix::fs::fstat(&file)?.st_nlink == 0;
            if !is_swept {
                return Ok(Self { names, _locked: file });
            }
        }
        Err(Errno::EXIST)
    }
}

/// Removes the probes that killed processes left in the folder. One that is in use is locked, and stays.
pub(super) fn sweep(folder: BorrowedFd<'_>) {
    let Ok(entries) = Dir::read_from(folder) else { return };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().to_str() else { continue };
        let may_be_file = matches!(entry.file_type(), FileType::RegularFile | FileType::Unknown);
        if may_be_file && is_probe_name(name) && is_abandoned(folder, name) {
            let _ = rustix::fs::unlinkat(folder, name, AtFlags::empty());
        }
    }
}

fn is_probe_name(name: &str) -> bool {
    let number = name.strip_prefix(MARK).and_then(|rest| rest.strip_suffix("-a").or_else(|| rest.strip_suffix("-b")));
    number.is_some_and(|it| it.len() == NUMBER_DIGITS && it.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether nobody uses it, and nothing is in it but what we put there.
fn is_abandoned(folder: BorrowedFd<'_>, name: &str) -> bool {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = rustix::fs::openat(folder, name, flags, Mode::empty()).map(File::from) else { return false };
    let is_small = file.metadata().is_ok_and(|it| it.is_file() && it.len() <= MOST_PLACEHOLDER_BYTES);
    is_small && lock(&file).is_ok()
}

fn lock(file: impl AsFd) -> Result<(), Errno> {
    rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(folder: &tempfile::TempDir) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn probes_that_nobody_uses_are_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let handle = File::open(folder.path()).unwrap();
        let put = |name: &str, length: u64| {
            File::create_new(folder.path().join(name)).unwrap().set_len(length).unwrap();
        };
        put(".ropeway-probe-0123456789abcdef-a", 0);
        put(".ropeway-probe-fedcba9876543210-b", 100);
        let kept = [(".ropeway-probe-0123456789abcdef-c", 0), (".ropeway-probe-1-a", 0), ("users.txt", 0)];
        for (name, length) in kept.into_iter().chain([(".ropeway-probe-00000000000000ff-b", 5000)]) {
            put(name, length);
        }
        let used = Probe::create(handle.as_fd()).unwrap();
        sweep(handle.as_fd());
        let left = names(&folder);
        assert_eq!(left.len(), 5, "{left:?}");
        assert!(left.contains(&used.names[0]), "{left:?}");
        drop(used);
        sweep(handle.as_fd());
        assert_eq!(names(&folder).len(), 4);
    }
}
