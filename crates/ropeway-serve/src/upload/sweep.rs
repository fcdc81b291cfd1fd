//! Drafts that a killed process left behind.

use std::sync::atomic::{AtomicBool, Ordering};

use ropeway_flow::disk::remove_if_abandoned;
use rustix::fs::{Dir, FileType};

use super::draft::is_draft_name;
use crate::{folder::Folder, path::Hidden};

/// Folders below each other that are searched: as deep as uploads can go.
const DEEPEST: usize = 64;

/// Removes the drafts below `root` that nobody is writing any more, until done or `stopping`.
///
/// Whoever writes a draft holds its lock, in this process or another one; the lock of a killed process is free.
pub(crate) fn remove_abandoned_drafts(root: &Folder, hidden: Hidden, stopping: &AtomicBool) {
    let folder = match root.again() {
        Ok(folder) => folder,
        Err(errno) => return tracing::warn!(error = %std::io::Error::from(errno), "abandoned uploads not looked for"),
    };
    search(&folder, DEEPEST, hidden, stopping);
}

fn search(folder: &Folder, depth: usize, hidden: Hidden, stopping: &AtomicBool) {
    let Ok(mut entries) = Dir::read_from(folder) else { return };
    while let Some(Ok(entry)) = entries.next() {
        if stopping.load(Ordering::Relaxed) {
            return;
        }
        let Ok(name) = entry.file_name().to_str() else { continue };
        let may_be_folder = matches!(entry.file_type(), FileType::Directory | FileType::Unknown);
        if is_draft_name(name) {
            match remove_if_abandoned(folder, name, |_| true) {
                Ok(true) => tracing::info!(name, "abandoned upload removed"),
                Ok(false) => {}
                Err(errno) => {
                    tracing::warn!(name, error = %std::io::Error::from(errno), "abandoned upload not removed");
                }
            }
        } else if may_be_folder
            && (hidden == Hidden::Plain || !name.starts_with('.'))
            && !name.bytes().all(|octet| octet == b'.')
            && depth > 0
            && let Ok(below) = folder.descend(&[name.to_owned()])
        {
            search(&below, depth - 1, hidden, stopping);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::upload::draft::Draft;

    #[test]
    fn only_drafts_that_nobody_writes_are_removed() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/.b")).unwrap();
        let left = root.path().join("a/.b/.x.iso.upload-0123456789abcdef");
        let others = [root.path().join("a/.hidden"), root.path().join("a/x.upload-0123456789abcdef")];
        for path in others.iter().chain([&left]) {
            fs::File::options().write(true).create_new(true).open(path).unwrap();
        }
        let folder = Folder::open_root(root.path()).unwrap();
        let written = Draft::create(folder.again().unwrap(), "y").unwrap();

        remove_abandoned_drafts(&folder, Hidden::Plain, &AtomicBool::new(false));

        assert!(!left.exists());
        assert!(others.iter().all(|path| path.exists()));
        let drafts =
            || fs::read_dir(root.path()).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_file()).count();
        assert_eq!(drafts(), 1);
        drop(written);
        assert_eq!(drafts(), 0);
    }
}
