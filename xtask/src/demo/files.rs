//! The files that the demo moves.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::control::Direction;
use crate::{digest, pattern};
use anyhow::{Context, Result};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Many small files, so that the queue can be seen at work.
const SMALL: u64 = 12;

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
            Self::Stations => "12 small files",
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
        loads.push(load(Train::Stations, &name, served, downloads, (64 + number * 48) * KIB + number)?);
    }
    Ok(loads)
}

fn load(train: Train, name: &str, from: &Path, to: &Path, bytes: u64) -> Result<Load> {
    let source = from.join(name);
    pattern::write(&source, bytes, bytes).with_context(|| format!("cannot make {}", source.display()))?;
    let sha256 = digest::sha256(&source)?;
    Ok(Load { train, name: name.to_owned(), arrival: to.join(name), source, bytes, sha256 })
}
