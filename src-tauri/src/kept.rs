//! Small files that the shell keeps for itself, beside the settings.

use std::{fs, io, path::Path};

use serde::{Serialize, de::DeserializeOwned};

/// What an earlier run wrote; `None` where there is no such file, or one that is damaged or longer than so many bytes.
pub(crate) fn read<T: DeserializeOwned>(file: &Path, longest: u64) -> Option<T> {
    if fs::metadata(file).ok()?.len() > longest {
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
