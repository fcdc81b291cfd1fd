//! Metalink 4 (RFC 5854), an XML document. It names files with their addresses, digests and pieces.

mod read;

use ropeway_model::{Digest, FileName, Pieces, SafeUrl};

/// Largest document in bytes. One with the pieces of a hundred gigabytes has three million.
pub const LARGEST_DOCUMENT: usize = 16 * 1024 * 1024;

/// A file that a Metalink describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetalinkFile {
    /// Folders below the chosen one, made safe; usually none.
    pub folders: Vec<FileName>,
    /// Its name, made safe.
    pub name: FileName,
    /// Length in bytes.
    pub size: Option<u64>,
    /// Digests of the whole file in known algorithms, the strongest first.
    pub digests: Vec<Digest>,
    /// The strongest digests of its pieces.
    pub pieces: Option<Pieces>,
    /// Where it is, best first. At least one address that can be downloaded from.
    pub urls: Vec<SafeUrl>,
}

/// A text that is no Metalink, or one that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetalinkError {
    /// Not well-formed XML, or of another kind.
    #[error("this is no Metalink: {0}")]
    NotMetalink(String),
    /// Version 3, which has no standard.
    #[error("this is a Metalink of version 3; only version 4 (RFC 5854, files named .meta4) is understood")]
    VersionThree,
    /// More than is reasonable.
    #[error("this Metalink is too large: {0}")]
    TooLarge(&'static str),
    /// A file that contradicts itself or cannot be brought.
    #[error("the file {name} of this Metalink cannot be used: {reason}")]
    BadFile {
        /// Its name, made safe.
        name: FileName,
        /// What is wrong.
        reason: &'static str,
    },
}

/// The files of a document, in its order; at least one.
///
/// Nothing outside of the text is looked at: a document type, which could name entities, is refused.
///
/// # Errors
/// [`MetalinkError`], whatever the text is.
pub fn parse(text: &str) -> Result<Vec<MetalinkFile>, MetalinkError> {
    if text.len() > LARGEST_DOCUMENT {
        return Err(MetalinkError::TooLarge("more than 16 MiB"));
    }
    read::document(text)
}

/// True for the media type of Metalink 4 (RFC 5854 §6.1).
pub fn is_media_type(media_type: &str) -> bool {
    media_type.eq_ignore_ascii_case("application/metalink4+xml")
}

#[cfg(test)]
mod tests;
