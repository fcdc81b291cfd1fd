//! What a file tells of where it came from.

use std::{fs::File, path::Path};

use ropeway_model::SafeUrl;

use super::stamp::FileStamp;

/// The attribute that tells where a file came from (freedesktop.org, "Common Extended Attributes").
const ORIGIN: &str = "user.xdg.origin.url";
/// The attribute that tells which version of what a file is.
const VERSION: &str = "user.ropeway.version";
/// Longer notes are nobody's.
#[cfg(target_os = "linux")]
const LONGEST_NOTE: usize = 4096;

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
    pub(super) fn leave_on(&self, file: &File, path: &Path) {
        use rustix::fs::{Timespec, Timestamps, UTIME_OMIT, futimens};
        let dated = self.modified.map_or(Ok(()), |seconds| {
            let unchanged = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
            let last_modification = Timespec { tv_sec: seconds, tv_nsec: 0 };
            futimens(file, &Timestamps { last_access: unchanged, last_modification })
        });
        let marked = set(file, ORIGIN, &self.origin.public());
        // What was just set needs not be asked for.
        let modified_ns = match self.modified.filter(|_| dated.is_ok()) {
            Some(seconds) => Some(i128::from(seconds) * 1_000_000_000),
            None => file.metadata().ok().map(|metadata| FileStamp::of(&metadata).modified_ns),
        };
        let note = modified_ns.and_then(|modified_ns| self.version_at(modified_ns));
        let versioned = note.map_or(Ok(()), |note| set(file, VERSION, &note));
        for error in [dated, marked, versioned].into_iter().filter_map(Result::err) {
            tracing::debug!(path = %path.display(), %error, "the file system takes no note of where the file came from");
        }
    }
}

/// Which version of what the file at `path` is, where that is noted on it. Follows no link.
#[cfg(target_os = "linux")]
pub(super) fn version_of(path: &Path) -> Option<String> {
    let mut note = [0; LONGEST_NOTE];
    let length = rustix::fs::lgetxattr(path, VERSION, &mut note).ok()?;
    String::from_utf8(note.get(..length)?.to_vec()).ok()
}

#[cfg(target_os = "linux")]
fn set(file: &File, name: &str, value: &str) -> rustix::io::Result<()> {
    rustix::fs::fsetxattr(file, name, value.as_bytes(), rustix::fs::XattrFlags::empty())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn version_of(_: &Path) -> Option<String> {
    None
}

#[cfg(not(target_os = "linux"))]
fn set(_: &File, _: &str, _: &str) -> rustix::io::Result<()> {
    Ok(())
}
