//! Small files that the shell keeps for itself, beside the settings.

use std::{fs, io, path::Path};

use serde::{Serialize, de::DeserializeOwned};

/// Longest file that is read; ours have some hundred bytes.
pub(crate) const FILE_MAXIMUM: u64 = 4096;

/// What an earlier run wrote; `None` where there is no such file, or a damaged one.
pub(crate) fn read<T: DeserializeOwned>(file: &Path) -> Option<T> {
    if fs::metadata(file).ok()?.len() > FILE_MAXIMUM {
        return None;
    }
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

/// Writes a file, whole or not at all.
#[expect(clippy::disallowed_methods, reason = "the shell's own small file, written beside and renamed over")]
pub(crate) fn write(file: &Path, what: &impl Serialize) -> io::Result<()> {
    let beside = file.with_extension("json.new");
    fs::write(&beside, serde_json::to_vec(what)?)?;
    fs::rename(&beside, file)
}
