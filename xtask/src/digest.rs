//! Digests of files, computed without any of the engine's code.

use std::{fs, io::Read, path::Path};

use anyhow::Result;
use sha2::{Digest, Sha256};

const CHUNK: usize = 1 << 20;

/// The SHA-256 of a file, in hexadecimal.
pub(crate) fn sha256(file: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut source = fs::File::open(file)?;
    let mut chunk = vec![0_u8; CHUNK];
    loop {
        match source.read(&mut chunk)? {
            0 => break,
            count => hasher.update(&chunk[..count]),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_sha_256() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("abc");
        fs::write(&file, "abc").unwrap();
        assert_eq!(sha256(&file).unwrap(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
