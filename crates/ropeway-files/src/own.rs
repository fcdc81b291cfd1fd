//! Files in the program's own folders.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

use crate::open_regular;

/// Opens a file for reading and writing, or creates it, for its owner alone (0600 on Unix). A file that others may open
/// is closed to them.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for links and for what is no regular file; [`io::ErrorKind::PermissionDenied`] for a
/// file that is open to others and has a second name: it may be of another purpose, and is left as it is.
pub fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = open_regular(&mut options, false, path)?;
    close_to_others(&file)?;
    Ok(file)
}

#[cfg(unix)]
fn close_to_others(file: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let metadata = file.metadata()?;
    let is_open = metadata.permissions().mode() & 0o077 != 0;
    if !is_open {
        return Ok(());
    }
    if metadata.nlink() > 1 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "others may open it, and it has a second name"));
    }
    // By the open file: whatever has its name by now keeps its own permissions.
    file.set_permissions(fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn close_to_others(_: &File) -> io::Result<()> {
    Ok(())
}

/// Puts `bytes` in the place of the file at `path`, for its owner alone; after a crash there is the old file or the new
/// one. `draft` is the name it is written under, in the same folder; what has that name is taken away.
///
/// # Errors
/// What the system says; the old file is untouched then.
pub fn replace(path: &Path, draft: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = write_new(draft, bytes).and_then(|()| rename(draft, path));
    if written.is_err() {
        // Nothing depends on it: the next one takes it away again.
        let _ = fs::remove_file(draft);
    }
    written?;
    sync_folder(path.parent().unwrap_or(Path::new("/")))
}

/// Creates a file with `bytes`, durably.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that replaces small files of our own")]
fn rename(draft: &Path, path: &Path) -> io::Result<()> {
    fs::rename(draft, path)
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    crate::sync_folder(File::open(folder)?)
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_private_file_is_the_users_alone_and_no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        open_private(&at("new")).unwrap();
        assert_eq!(mode(&at("new")), 0o600);
        fs::set_permissions(at("new"), fs::Permissions::from_mode(0o644)).unwrap();
        open_private(&at("new")).unwrap();
        assert_eq!(mode(&at("new")), 0o600);

        open_private(&at("victim")).unwrap();
        fs::set_permissions(at("victim"), fs::Permissions::from_mode(0o644)).unwrap();
        symlink(at("victim"), at("link")).unwrap();
        symlink(at("nothing"), at("dangling")).unwrap();
        fs::hard_link(at("victim"), at("second")).unwrap();
        for planted in ["link", "dangling", "second", "."] {
            assert!(open_private(&at(planted)).is_err(), "{planted}");
        }
        assert_eq!(mode(&at("victim")), 0o644);
        assert!(!at("nothing").exists());
    }

    #[test]
    fn a_file_is_replaced_whole_and_a_draft_that_is_a_link_is_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        replace(&at("victim"), &at("draft"), b"kept").unwrap();
        symlink(at("victim"), at("draft")).unwrap();
        replace(&at("file"), &at("draft"), b"new").unwrap();
        assert_eq!(
            (fs::read(at("victim")).unwrap(), fs::read(at("file")).unwrap()),
            (b"kept".to_vec(), b"new".to_vec())
        );
        assert_eq!(fs::metadata(at("file")).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no draft is left");
        assert!(replace(&at("none/file"), &at("none/draft"), b"").is_err());
    }
}
