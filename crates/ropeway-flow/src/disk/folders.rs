//! Folders that the user chose, made where they are missing.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{error::DiskError, file::sync_folder};

/// Creates `folder` and its parents where they are missing, durably.
///
/// A complete file is no more durable than the way to it.
/// Returns those that it made, the outermost first; what another process made meanwhile is not among them.
pub(super) fn create(folder: &Path) -> Result<Vec<PathBuf>, DiskError> {
    // It is there for all of a list but the first; asking costs less than having it refused.
    if folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut missing: Vec<&Path> = folder.ancestors().take_while(|place| !place.is_dir()).collect();
    missing.reverse();
    let mut made = Vec::new();
    for place in missing.iter().filter(|place| !place.as_os_str().is_empty()) {
        match std::fs::create_dir(place) {
            Ok(()) => made.push(place.to_path_buf()),
            Err(_) if place.is_dir() => {}
            // What exists there is a file; another name for the download would not help.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(DiskError::at(folder, io::ErrorKind::NotADirectory.into()));
            }
            Err(error) => return Err(DiskError::at(folder, error)),
        }
    }
    missing.iter().filter_map(|place| place.parent()).try_for_each(sync)?;
    Ok(made)
}

/// Makes the names in a folder durable where it may be read.
fn sync(folder: &Path) -> Result<(), DiskError> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    match sync_folder(folder) {
        Err(DiskError::Io { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_made_durable_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(sync(folder.path()).is_ok());
        let file = tempfile::NamedTempFile::new_in(folder.path()).unwrap();
        let error = sync(&file.path().join("below")).unwrap_err();
        assert!(
            matches!(&error, DiskError::Io { source, .. } if source.kind() == io::ErrorKind::NotADirectory),
            "{error}"
        );
    }
}
