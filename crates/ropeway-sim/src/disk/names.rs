//! The names of a folder: as the running system sees them, and as a power cut leaves them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::random::Random;

/// A file's number.
pub(crate) type Inode = u64;

/// A change of names.
#[derive(Clone, Debug)]
enum Change {
    Create(PathBuf, Inode),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

/// All names.
#[derive(Debug, Default)]
pub(crate) struct Names {
    live: BTreeMap<PathBuf, Inode>,
    synced: BTreeMap<PathBuf, Inode>,
    pending: Vec<Change>,
}

fn apply(names: &mut BTreeMap<PathBuf, Inode>, change: &Change) {
    match change {
        Change::Create(path, inode) => drop(names.insert(path.clone(), *inode)),
        Change::Rename(from, to) => {
            if let Some(inode) = names.remove(from) {
                names.insert(to.clone(), inode);
            }
        }
        Change::Remove(path) => drop(names.remove(path)),
    }
}

impl Names {
    fn change(&mut self, change: Change) {
        apply(&mut self.live, &change);
        self.pending.push(change);
    }

    pub(crate) fn find(&self, path: &Path) -> Option<Inode> {
        self.live.get(path).copied()
    }

    pub(crate) fn create(&mut self, path: &Path, inode: Inode) {
        self.change(Change::Create(path.to_owned(), inode));
    }

    pub(crate) fn rename(&mut self, from: &Path, to: &Path) {
        self.change(Change::Rename(from.to_owned(), to.to_owned()));
    }

    pub(crate) fn remove(&mut self, path: &Path) {
        self.change(Change::Remove(path.to_owned()));
    }

    /// Makes every change so far durable.
    pub(crate) fn sync(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            apply(&mut self.synced, &change);
        }
    }

    /// What a power cut leaves: the changes that were not synced are there up to some point, as a journal keeps them.
    pub(crate) fn cut(&mut self, random: &mut Random) {
        let kept = random.within(0..self.pending.len() as u64 + 1);
        for change in std::mem::take(&mut self.pending).iter().take(usize::try_from(kept).unwrap_or(0)) {
            apply(&mut self.synced, change);
        }
        self.live.clone_from(&self.synced);
    }

    /// All names with their files.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&PathBuf, Inode)> {
        self.live.iter().map(|(path, inode)| (path, *inode))
    }
}
