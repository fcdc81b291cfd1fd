//! Metalink documents among the files that are handed over.
//!
//! Such a file names downloads and is not meant to be uploaded itself, whether it was dropped on the window, named on
//! the command line or opened from a file manager. The page hears of paths only, so the document is read here and
//! becomes an offer of downloads; of dropped paths the page leaves those with these endings alone.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use tauri::{AppHandle, async_runtime};

use crate::offer::{self, Document, Offer};

/// Longest document read, in bytes: a Metalink names files, more than this is none.
const DOCUMENT_MAXIMUM: u64 = 4 << 20;
/// Endings of Metalink 4 (RFC 5854) and of the version before it.
const ENDINGS: [&str; 2] = ["meta4", "metalink"];
/// How the root of a document begins.
const ROOT: &str = "<metalink";

/// Offers the documents among the dropped files; the page takes the rest.
pub(crate) fn dropped(app: &AppHandle, paths: &[PathBuf]) {
    let documents: Vec<PathBuf> = paths.iter().filter(|path| is_metalink(path)).cloned().collect();
    if !documents.is_empty() {
        hand_over(app, Offer::paths(documents));
    }
}

/// Hands an offer over with its documents read.
pub(crate) fn hand_over(app: &AppHandle, offer: Offer) {
    let app = app.clone();
    async_runtime::spawn_blocking(move || offer::hand_over(&app, read(offer)));
}

/// Puts the text of the documents in the place of their paths. One that cannot be read, or is none, stays a file to
/// upload: there the user is told what is wrong with it. Blocks.
pub(crate) fn read(mut offer: Offer) -> Offer {
    let mut documents = Vec::new();
    let (named, files): (Vec<_>, Vec<_>) = offer.paths.into_iter().partition(|path| is_metalink(Path::new(path)));
    offer.paths = files;
    for path in named {
        match text_of(Path::new(&path)) {
            Ok(text) => documents.push(Document { text, path }),
            Err(cause) => {
                tracing::warn!(%cause, document = %path, "this is no Metalink that can be read");
                offer.paths.push(path);
            }
        }
    }
    offer.take_up(Offer { documents, ..Offer::default() });
    offer
}

fn is_metalink(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    ENDINGS.iter().any(|known| ending == *known)
}

fn text_of(document: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(document)?.take(DOCUMENT_MAXIMUM + 1).read_to_string(&mut text)?;
    if text.len() as u64 > DOCUMENT_MAXIMUM {
        return Err(io::Error::other("it is too long"));
    }
    if !text.contains(ROOT) {
        return Err(io::Error::other("it names no files"));
    }
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
    #[expect(clippy::disallowed_methods, reason = "files to begin with")]
    fn documents_become_downloads_and_everything_else_stays_a_file_to_upload() {
        let folder = tempfile::tempdir().unwrap();
        let document = "<?xml version=\"1.0\"?>\n<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\"/>";
        let long = format!("<metalink>{}", "x".repeat(4 << 20));
        let files: [(&str, &[u8]); 5] = [
            ("a.meta4", document.as_bytes()),
            ("film.mov", b"bytes"),
            ("words.metalink", b"no document"),
            ("binary.meta4", &[0xff, 0xfe, 0]),
            ("long.meta4", long.as_bytes()),
        ];
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let paths = files.map(|(name, _)| folder.path().join(name)).into_iter();
        let given = Offer::paths(paths.chain([folder.path().join("missing.meta4")]));
        let offer = read(given);
        let [only] = offer.documents.as_slice() else { panic!("{:?}", offer.documents) };
        assert_eq!(only.text, document);
        assert!(only.path.ends_with("/a.meta4"));
        let names: Vec<_> = offer.paths.iter().map(|path| path.rsplit('/').next().unwrap()).collect();
        assert_eq!(names, ["film.mov", "words.metalink", "binary.meta4", "long.meta4", "missing.meta4"]);
    }
}
