//! The files that the demo moves.

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::control::Direction;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Many small files, so that the queue can be seen at work.
const SMALL: u64 = 24;

/// What is moved together and shown as one bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Train {
    /// The large download that is paused by nobody and cut by the server.
    Image,
    /// The download that is paused.
    Survey,
    /// Many small downloads.
    Stations,
    /// The upload by `PUT`.
    Footage,
    /// The upload as a form.
    Ledger,
}

impl Train {
    pub(super) const ALL: [Self; 5] = [Self::Image, Self::Survey, Self::Stations, Self::Footage, Self::Ledger];

    /// Its name on the screen.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Image => "glacier.img",
            Self::Survey => "survey.tar",
            Self::Stations => "24 small files",
            Self::Footage => "footage.mov",
            Self::Ledger => "ledger.zip",
        }
    }

    pub(super) const fn direction(self) -> Direction {
        match self {
            Self::Image | Self::Survey | Self::Stations => Direction::Download,
            Self::Footage | Self::Ledger => Direction::Upload,
        }
    }
}

/// One file, where it comes from and where it is to arrive.
pub(super) struct Load {
    pub(super) train: Train,
    pub(super) name: String,
    pub(super) source: PathBuf,
    pub(super) arrival: PathBuf,
    pub(super) bytes: u64,
    /// What it must be on arrival, in hexadecimal; computed here, not by the engine.
    pub(super) sha256: String,
}

/// The folder below the server's that uploads go to.
pub(super) const INBOX: &str = "inbox";

/// Makes all files.
pub(super) fn make(served: &Path, outbox: &Path, downloads: &Path) -> Result<Vec<Load>> {
    let inbox = served.join(INBOX);
    fs::create_dir_all(&inbox)?;
    let mut loads = Vec::new();
    for (train, bytes) in
        [(Train::Image, 200 * MIB), (Train::Survey, 60 * MIB), (Train::Footage, 96 * MIB), (Train::Ledger, 24 * MIB)]
    {
        let (from, to) =
            if train.direction() == Direction::Download { (served, downloads) } else { (outbox, inbox.as_path()) };
        loads.push(load(train, train.label(), from, to, bytes)?);
    }
    for number in 1..=SMALL {
        let name = format!("station-{number:02}.csv");
        loads.push(load(Train::Stations, &name, served, downloads, (32 + number * 24) * KIB + number)?);
    }
    Ok(loads)
}

fn load(train: Train, name: &str, from: &Path, to: &Path, bytes: u64) -> Result<Load> {
    let source = from.join(name);
    write_pattern(&source, bytes).with_context(|| format!("cannot make {}", source.display()))?;
    let sha256 = sha256(&source)?;
    Ok(Load { train, name: name.to_owned(), arrival: to.join(name), source, bytes, sha256 })
}

/// Writes bytes that differ in every block and do not compress, so that a misplaced or missing block shows.
fn write_pattern(file: &Path, bytes: u64) -> Result<()> {
    let mut block = vec![0_u8; usize::try_from(MIB)?];
    let mut state = bytes | 1;
    for word in block.chunks_exact_mut(8) {
        // Marsaglia's xorshift: enough for noise, and the same files every time.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        word.copy_from_slice(&state.to_le_bytes());
    }
    let mut out = fs::File::create(file)?;
    let mut offset = 0;
    while offset < bytes {
        block[..8].copy_from_slice(&offset.to_le_bytes());
        let count = (bytes - offset).min(MIB);
        out.write_all(&block[..usize::try_from(count)?])?;
        offset += count;
    }
    Ok(())
}

/// The SHA-256 of a file, in hexadecimal.
pub(super) fn sha256(file: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut source = fs::File::open(file)?;
    let mut chunk = vec![0_u8; usize::try_from(MIB)?];
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
    fn a_file_has_its_length_and_no_two_equal_blocks() {
        let folder = tempfile::tempdir().unwrap();
        let load = load(Train::Survey, "a.bin", folder.path(), Path::new("/to"), 2 * MIB + 5).unwrap();
        let bytes = fs::read(&load.source).unwrap();
        let block = usize::try_from(MIB).unwrap();
        assert_eq!(bytes.len(), 2 * block + 5);
        assert_ne!(bytes[..block], bytes[block..2 * block]);
        assert_eq!(load.arrival, Path::new("/to/a.bin"));
        assert_eq!(load.sha256, sha256(&load.source).unwrap());
    }

    #[test]
    fn the_digest_is_sha_256() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("abc");
        fs::write(&file, "abc").unwrap();
        assert_eq!(sha256(&file).unwrap(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
