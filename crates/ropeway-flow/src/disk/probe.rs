//! Empty file with which a volume's way of naming is tried.

use std::{fs::File, os::fd::BorrowedFd};

use rustix::{
    fs::{Dir, FileType},
    io::Errno,
};

use super::{
    locked_file::{create_locked, is_number, remove_if_abandoned},
    rename::MOST_PLACEHOLDER_BYTES,
};

/// Beginning of every probe's name. Hidden, so that nobody takes it for a file of theirs.
const MARK: &str = ".ropeway-probe-";

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
        let (from, file) = create_locked(folder, |number| format!("{MARK}{number}-a"))?;
        let to = format!("{}b", from.trim_end_matches('a'));
        Ok(Self { names: [from, to], _locked: file })
    }
}

/// Removes the probes that killed processes left in the folder. One that is in use is locked, and stays.
pub(super) fn sweep(folder: BorrowedFd<'_>) {
    let Ok(entries) = Dir::read_from(folder) else { return };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().to_str() else { continue };
        let may_be_file = matches!(entry.file_type(), FileType::RegularFile | FileType::Unknown);
        if may_be_file && is_probe_name(name) {
            // Larger ones are not what we put there. What cannot be removed is tried by the next process.
            let _ = remove_if_abandoned(folder, name, |it| it.len() <= MOST_PLACEHOLDER_BYTES);
        }
    }
}

fn is_probe_name(name: &str) -> bool {
    let number = name.strip_prefix(MARK).and_then(|rest| rest.strip_suffix("-a").or_else(|| rest.strip_suffix("-b")));
    number.is_some_and(is_number)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::fd::AsFd as _};

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
