//! Where things are: the repository, the target folder, and what lies in them.

use std::path::{Path, PathBuf};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let own =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    own.parent().map_or_else(|| own.clone(), Path::to_path_buf)
}

/// The target folder this very program was built into, so that nothing is ever built twice.
pub(crate) fn target() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program.ancestors().nth(2).map_or_else(|| root().join("target"), Path::to_path_buf)
}

/// A program of the workspace in the target folder.
pub(crate) fn built(profile: &str, name: &str) -> PathBuf {
    target().join(profile).join(name)
}

/// Developer tools that this repository installed for itself.
pub(crate) fn tools() -> PathBuf {
    target().join("tools")
}

/// The web UI.
pub(crate) fn ui() -> PathBuf {
    root().join("ui")
}

/// The tests of the page in a real browser.
pub(crate) fn web_tests() -> PathBuf {
    root().join("tests").join("web")
}

/// Servers of other projects that tests start, with their packages.
pub(crate) fn peers() -> PathBuf {
    root().join("tests").join("peers")
}

/// The tests of the real window.
pub(crate) fn desktop_tests() -> PathBuf {
    root().join("tests").join("desktop")
}
