//! What tells a file from the same one changed.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

/// A file as it was at one moment; nothing is the stamp of a file that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp(Option<Marks>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Marks {
    device: u64,
    inode: u64,
    length: u64,
    /// Seconds and nanoseconds of the last change, be it of the contents or of the name.
    changed: (i64, i64),
}

impl Stamp {
    /// The stamp of what lies at `path`; a link is followed by nobody, so its own counts.
    pub(super) fn of(path: &Path) -> Self {
        Self(fs::symlink_metadata(path).ok().map(|found| Marks {
            device: found.dev(),
            inode: found.ino(),
            length: found.len(),
            changed: (found.ctime(), found.ctime_nsec()),
        }))
    }
}
