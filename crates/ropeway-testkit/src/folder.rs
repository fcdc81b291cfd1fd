//! Folders that vanish with the test.

use std::path::{Path, PathBuf};

/// A fresh folder, removed with everything in it when dropped.
#[derive(Debug)]
pub struct TempFolder(tempfile::TempDir);

impl TempFolder {
    /// A fresh, empty folder.
    #[expect(clippy::new_without_default, reason = "it makes a folder: nobody should get one by accident")]
    pub fn new() -> Self {
        Self(tempfile::Builder::new().prefix("ropeway-test-").tempdir().unwrap())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A path inside.
    pub fn join(&self, inside: impl AsRef<Path>) -> PathBuf {
        self.path().join(inside)
    }

    /// The names in the folder, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}
