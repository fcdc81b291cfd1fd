//! Local files that uploads send and that become others.

use std::path::PathBuf;

use crate::{content, random::Random, server::any_length};

/// Numbers of sources begin here: no file that the disk makes has one of them.
const FIRST_INODE: u64 = 1 << 40;
/// The same for what they hold.
const FIRST_CONTENT: u64 = 50;

/// State of a file from one moment on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edition {
    pub(crate) since: u64,
    pub(crate) inode: u64,
    /// When it says that it was written.
    pub(crate) modified: u64,
    pub(crate) bytes: &'static [u8],
}

/// A file that an upload sends.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    /// The first of them is there from the start.
    pub(crate) editions: Vec<Edition>,
}

/// A length that is not `length`.
fn other_length(random: &mut Random, length: usize) -> usize {
    let may_grow = (length as u64) < content::LARGEST / 2;
    if may_grow && (length < 2 || random.hits(500)) { length + length / 2 + 1 } else { length / 2 }
}

impl Source {
    /// A file of any length, which may become another one. It does so within the first `rough` milliseconds, and each
    /// time its length, its time or its inode tells.
    pub(crate) fn any(random: &mut Random, number: u64, rough: u64) -> Self {
        let (inode, content) = (FIRST_INODE + number * 100, FIRST_CONTENT + number);
        let bytes = content::bytes(content, 0, any_length(random));
        let mut editions = vec![Edition { since: 0, inode, modified: 0, bytes }];
        let count = if random.hits(400) { random.pick(&[1, 1, 2, 3]) } else { 0 };
        let mut moments: Vec<_> = (0..count).map(|_| random.within(1..rough)).collect();
        moments.sort_unstable();
        moments.dedup();
        for (version, since) in (1..).zip(moments) {
            let before = editions[editions.len() - 1];
            let other = |length: usize| content::bytes(content, version, length as u64);
            editions.push(match random.within(0..8) {
                // Written anew, or only touched.
                0..3 => Edition { since, modified: since, bytes: other(before.bytes.len()), ..before },
                3 => Edition { since, modified: since, ..before },
                // Longer or shorter, under a time that somebody set back.
                4 | 5 => Edition { since, bytes: other(other_length(random, before.bytes.len())), ..before },
                // Another file was moved there.
                _ => Edition { since, inode: inode + version, bytes: other(before.bytes.len()), ..before },
            });
        }
        Self { path: format!("/home/source-{number}.bin").into(), editions }
    }

    /// The file under the name at `now`.
    pub(crate) fn named(&self, now: u64) -> Edition {
        *self.editions.iter().rev().find(|edition| edition.since <= now).unwrap_or(&self.editions[0])
    }

    /// State of the file `inode` at `now`, under the name or not.
    pub(crate) fn opened(&self, inode: u64, now: u64) -> Edition {
        let own = |edition: &&Edition| edition.inode == inode && edition.since <= now;
        *self.editions.iter().rev().find(own).unwrap_or(&self.editions[0])
    }

    /// Identity of `bytes` with a file of this name as of `moment`.
    pub(crate) fn was(&self, bytes: &[u8], moment: u64) -> bool {
        self.editions.iter().any(|edition| self.opened(edition.inode, moment).bytes == bytes)
    }

    /// The most bytes it ever has.
    pub(crate) fn longest(&self) -> u64 {
        self.editions.iter().map(|edition| edition.bytes.len() as u64).max().unwrap_or(0)
    }
}
