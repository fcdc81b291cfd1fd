//! What the user asks for, in no client's words.

use std::path::PathBuf;

use super::case::LENGTH;

/// The wish of one case; each client says it in its own flags.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// Connections for the one file, for those clients that have several.
    pub(super) connections: u8,
    /// Header fields of the user's own.
    pub(super) headers: Vec<(&'static str, &'static str)>,
    /// User name and password.
    pub(super) login: Option<(&'static str, &'static str)>,
    /// The SHA-256 the file must have, in hexadecimal.
    pub(super) sha256: Option<String>,
    /// The authority to trust, as a PEM file.
    pub(super) authority: Option<PathBuf>,
    /// A proxy's URL.
    pub(super) proxy: Option<String>,
    /// Whether the server may name the file.
    pub(super) is_named_by_server: bool,
    /// The name that the user gives the file.
    pub(super) output: Option<&'static str>,
    /// Files to be sent instead of one to be fetched, each of a pattern of its own, numbered from one.
    pub(super) uploads: &'static [&'static str],
    /// Bytes of each of them.
    pub(super) upload_length: u64,
    /// The field of the form that they are sent by, if they are.
    pub(super) form: Option<&'static str>,
    /// Whether the file is to tell where it came from.
    pub(super) is_marked: bool,
    /// Whether the other origin is told to be a mirror of the file.
    pub(super) has_mirror: bool,
    /// Its address, once its server runs.
    pub(super) mirror: Option<String>,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            connections: 1,
            headers: Vec::new(),
            login: None,
            sha256: None,
            authority: None,
            proxy: None,
            is_named_by_server: false,
            output: None,
            uploads: &[],
            upload_length: LENGTH,
            form: None,
            is_marked: false,
            has_mirror: false,
            mirror: None,
        }
    }
}
