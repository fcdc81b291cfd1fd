//! The files of a folder that is uploaded as a whole.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::DiskError;

/// More files than this in one drop is a mistake such as a dropped root folder.
const MOST_FILES: usize = 200_000;
/// Deeper nesting than this is a loop of mounts.
const DEEPEST: usize = 128;

/// A file to upload with the folders between it and what the user named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// Names of the folders above it, from the named one on; empty if the file itself was named.
    pub folders: Vec<String>,
}

/// The regular file at `path`, or all regular files below it in the order of their names. Links inside are not followed.
///
/// # Errors
/// [`DiskError`] for the first thing that cannot be read; a folder with too many files is refused as a whole.
pub fn files_at(path: &Path) -> Result<Vec<Found>, DiskError> {
    let metadata = std::fs::metadata(path).map_err(|error| DiskError::at(path, error))?;
    if metadata.is_file() {
        return Ok(vec![Found { path: path.to_owned(), folders: Vec::new() }]);
    }
    if !metadata.is_dir() {
        return Err(DiskError::NotAFile { path: path.to_owned() });
    }
    let mut found = Vec::new();
    let mut pending = vec![(path.to_owned(), vec![name_of(path)])];
    while let Some((folder, folders)) = pending.pop() {
        let mut entries = std::fs::read_dir(&folder)
            .and_then(Iterator::collect::<io::Result<Vec<_>>>)
            .map_err(|error| DiskError::at(&folder, error))?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let kind = entry.file_type().map_err(|error| DiskError::at(&entry.path(), error))?;
            if kind.is_file() {
                found.push(Found { path: entry.path(), folders: folders.clone() });
            } else if kind.is_dir() && folders.len() < DEEPEST {
                let name = entry.file_name().to_string_lossy().into_owned();
                pending.push((entry.path(), folders.iter().cloned().chain([name]).collect()));
            }
        }
        if found.len() > MOST_FILES {
            let reason = io::Error::other(format!("more than {MOST_FILES} files"));
            return Err(DiskError::at(path, reason));
        }
    }
    Ok(found)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gives_all_its_files_and_follows_no_link() {
        let root = tempfile::tempdir().unwrap();
        let top = root.path().join("day 3");
        std::fs::create_dir_all(top.join("raw")).unwrap();
        for name in ["b.bin", "raw/a.bin"] {
            #[expect(clippy::disallowed_methods, reason = "a file to find")]
            std::fs::write(top.join(name), b"x").unwrap();
        }
        std::os::unix::fs::symlink("/etc/passwd", top.join("link")).unwrap();
        let found = files_at(&top).unwrap();
        assert_eq!(
            found,
            [
                Found { path: top.join("b.bin"), folders: vec!["day 3".to_owned()] },
                Found { path: top.join("raw/a.bin"), folders: vec!["day 3".to_owned(), "raw".to_owned()] },
            ]
        );
        assert_eq!(files_at(&top.join("b.bin")).unwrap()[0].folders, Vec::<String>::new());
        assert!(matches!(files_at(&top.join("none")), Err(DiskError::Missing { .. })));
    }
}
