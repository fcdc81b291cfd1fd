//! Exposure of secrets: files that others may read.

use std::path::{Path, PathBuf};

use super::netrc_file;

/// The user's `.netrc`, where other users of this machine may read it. Its passwords are theirs, too.
pub fn exposed_netrc() -> Option<PathBuf> {
    netrc_file().filter(|path| is_open_to_others(path))
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    /// Permission of the group and of all others to read or to write.
    const OTHERS: u32 = 0o066;
    // As it is opened, links included.
    std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & OTHERS != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn a_file_that_others_may_read_is_told_from_a_private_one() {
        let folder = ropeway_testkit::TempFolder::new();
        let path = folder.path().join(".netrc");
        assert!(!is_open_to_others(&path));
        drop(fs::OpenOptions::new().write(true).create_new(true).open(&path).unwrap());
        for (mode, expected) in [(0o600, false), (0o400, false), (0o644, true), (0o640, true), (0o604, true)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_open_to_others(&path), expected, "{mode:o}");
        }
    }
}
