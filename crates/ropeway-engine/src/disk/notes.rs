//! What a file tells of where it came from.

#[cfg(target_os = "linux")]
use std::{fs::File, path::Path};

use ropeway_model::SafeUrl;

#[cfg(target_os = "linux")]
use super::local::{ORIGIN, VERSION, stamp_of};

/// What is noted on a file that is saved in one piece, as far as its file system takes notes.
#[derive(Clone, Debug)]
pub struct Notes {
    /// Where it came from.
    pub origin: SafeUrl,
    /// When what it holds was last changed, in seconds since the Unix epoch; where it is not told, that is now.
    pub modified: Option<i64>,
    /// Which version it is: what stands before and behind the time of its last change.
    pub version: Option<[String; 2]>,
}

impl Notes {
    /// The note of its version, once it was last changed at `modified_ns` since the Unix epoch.
    pub fn version_at(&self, modified_ns: i128) -> Option<String> {
        self.version.as_ref().map(|[before, behind]| format!("{before}{modified_ns}{behind}"))
    }

    /// Leaves the notes on a file whose bytes are written, and asks no name for it.
    #[cfg(target_os = "linux")]
    pub(super) fn leave_on(&self, file: &File, path: &Path) {
        use rustix::fs::{Timespec, Timestamps, UTIME_OMIT, XattrFlags, fsetxattr, futimens};
        let set = |name: &str, value: &str| fsetxattr(file, name, value.as_bytes(), XattrFlags::empty());
        let dated = self.modified.map_or(Ok(()), |seconds| {
            let unchanged = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
            let last_modification = Timespec { tv_sec: seconds, tv_nsec: 0 };
            futimens(file, &Timestamps { last_access: unchanged, last_modification })
        });
        let versioned = || match (&self.version, file.metadata()) {
            (Some(_), Ok(metadata)) => {
                set(VERSION, &self.version_at(stamp_of(&metadata).modified_ns).unwrap_or_default())
            }
            _ => Ok(()),
        };
        for error in [dated, set(ORIGIN, &self.origin.public()), versioned()].into_iter().filter_map(Result::err) {
            tracing::debug!(path = %path.display(), %error, "the file system takes no note of where the file came from");
        }
    }
}
