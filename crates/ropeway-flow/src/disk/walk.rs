//! The files of a folder that is uploaded as a whole.

use std::{
    io,
    path::{Path, PathBuf},
};

use ropeway_model::UploadName;

use super::error::DiskError;

/// Files of one drop. More is a mistake such as a dropped root folder.
const MOST_FILES: usize = 200_000;
/// Deeper nesting than this is a loop of mounts.
const DEEPEST: usize = 128;

/// File to upload, with the folders between it and the named one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its path.
    pub path: PathBuf,
    /// Names of the folders above it, from the named one on. Empty if the file itself was named.
    pub folders: Vec<UploadName>,
}

/// Something below a folder that is not uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its path.
    pub path: PathBuf,
    /// Its kind.
    pub kind: LeftOutKind,
}

/// Kinds of what is not uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOutKind {
    /// A symbolic link: it may lead anywhere.
    Link,
    /// A pipe, a socket or a device.
    Special,
    /// A folder below 128 others.
    TooDeep,
}

impl std::fmt::Display for LeftOutKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Link => "a link, which is not followed",
            Self::Special => "a pipe, a socket or a device",
            Self::TooDeep => "a folder below more than 128 others",
        })
    }
}

/// Contents of a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// Regular files.
    pub found: Vec<Found>,
    /// Others that are no folders.
    pub left_out: Vec<LeftOut>,
    /// Path is a folder.
    pub is_folder: bool,
}

/// Finds the regular file at `path`, or all below it.
///
/// They come in the order of their names. Links inside are not followed.
///
/// # Errors
/// [`DiskError`] for the first thing that cannot be read; a folder with too many files is refused as a whole.
pub fn files_at(path: &Path) -> Result<Files, DiskError> {
    let metadata = std::fs::metadata(path).map_err(|error| DiskError::at(path, error))?;
    if metadata.is_file() {
        let found = vec![Found { path: path.to_owned(), folders: Vec::new() }];
        return Ok(Files { found, ..Files::default() });
    }
    if !metadata.is_dir() {
        return Err(DiskError::NotAFile { path: path.to_owned() });
    }
    let mut files = Files { is_folder: true, ..Files::default() };
    let mut pending = vec![(path.to_owned(), vec![name_of(path)?])];
    while let Some((folder, folders)) = pending.pop() {
        let mut entries = std::fs::read_dir(&folder)
            .and_then(Iterator::collect::<io::Result<Vec<_>>>)
            .map_err(|error| DiskError::at(&folder, error))?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let kind = entry.file_type().map_err(|error| DiskError::at(&path, error))?;
            if kind.is_file() {
                files.found.push(Found { path, folders: folders.clone() });
            } else if kind.is_dir() && folders.len() < DEEPEST {
                let deeper = folders.iter().cloned().chain([UploadName::of(&path)]).collect();
                pending.push((path, deeper));
            } else {
                let kind = match kind {
                    kind if kind.is_dir() => LeftOutKind::TooDeep,
                    kind if kind.is_symlink() => LeftOutKind::Link,
                    _ => LeftOutKind::Special,
                };
                files.left_out.push(LeftOut { path, kind });
            }
        }
        if files.found.len() > MOST_FILES {
            let reason = io::Error::other(format!("more than {MOST_FILES} files"));
            return Err(DiskError::at(path, reason));
        }
    }
    Ok(files)
}

/// Name of a folder, also if written as `.` or `folder/..`.
fn name_of(folder: &Path) -> Result<UploadName, DiskError> {
    if folder.file_name().is_some() {
        return Ok(UploadName::of(folder));
    }
    let real = std::fs::canonicalize(folder).map_err(|error| DiskError::at(folder, error))?;
    Ok(UploadName::of(&real))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folders: &[&str]) -> Vec<UploadName> {
        folders.iter().map(|name| UploadName::from(*name)).collect()
    }

    #[test]
    fn a_folder_gives_all_its_files_and_says_what_it_leaves_out() {
        let root = tempfile::tempdir().unwrap();
        let top = root.path().join("day 3");
        std::fs::create_dir_all(top.join("raw")).unwrap();
        for name in ["b.bin", "raw/a.bin"] {
            #[expect(clippy::disallowed_methods, reason = "a file to find")]
            std::fs::write(top.join(name), b"x").unwrap();
        }
        std::os::unix::fs::symlink("/etc/passwd", top.join("link")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(top.join("raw/socket")).unwrap();
        let files = files_at(&top).unwrap();
        assert_eq!(
            files.found,
            [
                Found { path: top.join("b.bin"), folders: names(&["day 3"]) },
                Found { path: top.join("raw/a.bin"), folders: names(&["day 3", "raw"]) },
            ]
        );
        assert_eq!(
            files.left_out,
            [
                LeftOut { path: top.join("link"), kind: LeftOutKind::Link },
                LeftOut { path: top.join("raw/socket"), kind: LeftOutKind::Special },
            ]
        );
        assert_eq!(files_at(&top.join("raw/..")).unwrap().found[0].folders, names(&["day 3"]));
        assert_eq!(files_at(&top.join("b.bin")).unwrap().found[0].folders, names(&[]));
        assert!(matches!(files_at(&top.join("none")), Err(DiskError::Missing { .. })));
        assert!(matches!(files_at(Path::new("/dev/null")), Err(DiskError::NotAFile { .. })));
    }

    #[test]
    fn a_folder_that_is_too_deep_is_said_to_be_left_out() {
        let root = tempfile::tempdir().unwrap();
        let top = root.path().join("d");
        let deep: PathBuf = (0..130).map(|_| "d").collect();
        std::fs::create_dir_all(root.path().join(&deep)).unwrap();
        let files = files_at(&top).unwrap();
        let [left] = &files.left_out[..] else { panic!("one folder: {files:?}") };
        assert_eq!(
            (left.kind, left.path.components().count()),
            (LeftOutKind::TooDeep, top.components().count() + DEEPEST)
        );
    }
}
