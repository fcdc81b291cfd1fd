//! Metalink documents dropped on the window.
//!
//! Such a file names downloads and is not meant to be uploaded itself. The page hears of paths only, so the document
//! is read here and becomes an offer of downloads; the page leaves paths with these endings alone.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use tauri::{AppHandle, async_runtime};

use crate::offer::{Offer, hand_over};

/// Longest document read, in bytes: a Metalink names files, more than this is none.
const DOCUMENT_MAXIMUM: u64 = 4 << 20;
/// Endings of Metalink 4 (RFC 5854) and of the version before it.
const ENDINGS: [&str; 2] = ["meta4", "metalink"];

/// Offers the first document among the dropped files; one that cannot be read is left alone.
pub(crate) fn dropped(app: &AppHandle, paths: &[PathBuf]) {
    let Some(document) = paths.iter().find(|path| is_metalink(path)).cloned() else { return };
    let app = app.clone();
    async_runtime::spawn_blocking(move || match text_of(&document) {
        Ok(text) => hand_over(&app, Offer::text(text)),
        Err(cause) => tracing::warn!(%cause, document = %document.display(), "the dropped Metalink cannot be read"),
    });
}

fn is_metalink(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    ENDINGS.iter().any(|known| ending == *known)
}

fn text_of(document: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(document)?.take(DOCUMENT_MAXIMUM).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_known_by_their_endings() {
        for (path, expected) in
            [("/a/b.meta4", true), ("/a/B.METALINK", true), ("/a/meta4", false), ("/a/b.iso", false)]
        {
            assert_eq!(is_metalink(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn what_is_no_text_or_not_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(text_of(&folder.path().join("missing.meta4")).is_err());
    }
}
