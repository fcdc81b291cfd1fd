//! Notes on a file that tell where it came from.

use std::{fs::File, path::Path};

use ropeway_model::SafeUrl;

use super::stamp::FileStamp;

/// Attribute for the address of origin (freedesktop.org, "Common Extended Attributes").
const ORIGIN: &str = "user.xdg.origin.url";
/// The attribute that tells which version of what a file is.
const VERSION: &str = "user.ropeway.version";
/// Bytes of the longest note that may be ours.
#[cfg(target_os = "linux")]
const LONGEST_NOTE: usize = 4096;

/// Notes on a saved file, where its file system takes them.
#[derive(Clone, Debug)]
pub struct Notes {
    /// Address of origin.
    pub origin: SafeUrl,
    /// Time of the last change, in seconds since the Unix epoch. Where it is not told, that is now.
    pub modified: Option<i64>,
    /// Version: text before and behind the time of the last change.
    pub version: Option<[String; 2]>,
}

impl Notes {
    /// Note of the version that was last changed at `modified_ns`.
    pub fn version_at(&self, modified_ns: i128) -> Option<String> {
        self.version.as_ref().map(|[before, behind]| format!("{before}{modified_ns}{behind}"))
    }

    /// Leaves the notes on an open file whose bytes are written.
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

/// Version that is noted on the file at `path`. Follows no link.
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
