//! Proof that a volume can name files without replacing others.

use std::{
    collections::BTreeSet,
    os::fd::{AsFd, BorrowedFd},
};

use parking_lot::Mutex;
use rustix::{fs::AtFlags, io::Errno};

use super::{
    probe::{self, Probe},
    rename::{Calls, Kernel, Names},
};

/// Folders and volumes that are remembered.
/// More than one user has, few enough for a process that sees them come and go.
const MOST_REMEMBERED: usize = 1024;

/// Volumes on which this process has named a file without replacing.
static PROVED: Mutex<BTreeSet<Volume>> = Mutex::new(BTreeSet::new());
/// Folders that this process has rid of probes that were left.
static SWEPT: Mutex<BTreeSet<(Volume, u64)>> = Mutex::new(BTreeSet::new());
/// Proves that files in `folder` can get free names.
///
/// Tried before there are bytes that need one, once on each volume, with an empty file. What a killed process left of that in the folder is removed.
///
/// # Errors
/// What the system says to it.
pub fn prove_naming(folder: impl AsFd) -> Result<(), Errno> {
    let folder = folder.as_fd();
    let inode = rustix::fs::fstat(folder)?.st_ino;
    if remember(&mut SWEPT.lock(), (Volume::of(folder)?, inode)) {
        probe::sweep(folder);
    }
    prove_naming_with(&Kernel, folder, &PROVED)
}

/// Volume while it is mounted.
/// Its device's number is given to the next one, whose file system is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Volume {
    device: u64,
    file_system: u64,
}

impl Volume {
    fn of(folder: BorrowedFd<'_>) -> Result<Self, Errno> {
        let device = rustix::fs::fstat(folder)?.st_dev;
        Ok(Self { device, file_system: rustix::fs::fstatvfs(folder)?.f_fsid })
    }
}

/// Remembers `what`, and tells whether it is new. All are forgotten where they are too many: what is known of them is only found out again.
fn remember<T: Ord>(known: &mut BTreeSet<T>, what: T) -> bool {
    if known.len() >= MOST_REMEMBERED && !known.contains(&what) {
        known.clear();
    }
    known.insert(what)
}

fn prove_naming_with(
    calls: &impl Calls,
    folder: BorrowedFd<'_>,
    proved: &Mutex<BTreeSet<Volume>>,
) -> Result<(), Errno> {
    let volume = Volume::of(folder)?;
    if proved.lock().contains(&volume) {
        return Ok(());
    }
    let Probe { names: [from, to], _locked } = Probe::create(folder)?;
    let names = Names { from_folder: folder, from: from.as_ref(), to_folder: folder, to: to.as_ref() };
    let renamed = names.rename(calls);
    let left = if renamed.is_ok() { &to } else { &from };
    let _ = rustix::fs::unlinkat(folder, left, AtFlags::empty());
    renamed?;
    remember(&mut proved.lock(), volume);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        fs::{self, File},
    };

    use super::*;

    /// Volume without links, and without renames that replace nothing.
    struct Poor {
        rename: Errno,
        calls: Cell<u32>,
    }

    impl Poor {
        fn new(rename: Errno) -> Self {
            Self { rename, calls: Cell::new(0) }
        }
    }

    impl Calls for Poor {
        fn rename_no_replace(&self, _: &Names<'_>) -> Result<(), Errno> {
            self.calls.set(self.calls.get() + 1);
            Err(self.rename)
        }

        fn link(&self, _: &Names<'_>) -> Result<(), Errno> {
            Err(Errno::PERM)
        }
    }

    #[test]
    fn a_folder_is_rid_of_the_probes_of_killed_processes_before_it_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let [left, other] = [".ropeway-probe-0123456789abcdef-a", "a.part"].map(|name| folder.path().join(name));
        for path in [&left, &other] {
            File::create_new(path).unwrap();
        }
        prove_naming(File::open(folder.path()).unwrap()).unwrap();
        assert_eq!((left.exists(), fs::read_dir(folder.path()).unwrap().count()), (false, 1));
    }

    #[test]
    fn what_is_remembered_stays_bounded() {
        let mut known = BTreeSet::new();
        for what in 0..3 * MOST_REMEMBERED {
            assert!(remember(&mut known, what) && !remember(&mut known, what));
            assert!(known.len() <= MOST_REMEMBERED);
        }
    }

    #[test]
    fn a_volume_is_tried_once_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let handle = File::open(folder.path()).unwrap();
        let proved = Mutex::default();
        let poor = Poor::new(Errno::INVAL);
        prove_naming_with(&poor, handle.as_fd(), &proved).unwrap();
        prove_naming_with(&poor, handle.as_fd(), &proved).unwrap();
        assert_eq!(poor.calls.get(), 1);
        let dead = Poor::new(Errno::ROFS);
        let proved = Mutex::default();
        for _ in 0..2 {
            assert_eq!(prove_naming_with(&dead, handle.as_fd(), &proved), Err(Errno::ROFS));
        }
        assert_eq!(dead.calls.get(), 2, "a failure is not remembered");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
