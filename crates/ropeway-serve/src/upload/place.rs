//! Where an upload goes: what is looked at before its first byte, and once more when it gets its name.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicUsize, Ordering},
};

use parking_lot::{Mutex, MutexGuard};
use rustix::{
    fs::{AtFlags, Stat, fstat, unlinkat},
    io::Errno,
};

use super::draft::Draft;
use crate::{folder::Folder, refusal::Refusal};

/// Names that can be published at the same time; two that share a lock wait for each other for a moment.
const LOCKS: usize = 64;
/// How often a folder may be removed by another upload that fails, between its finding or making and its first file.
const MOST_TRIES: u32 = 16;

/// One lock for each name, shared by names that nobody writes at once: whether a name may be taken and the taking of it
/// are one step for all uploads.
#[derive(Debug)]
pub(crate) struct NameLocks {
    locks: [Mutex<()>; LOCKS],
    hasher: RandomState,
}

impl Default for NameLocks {
    fn default() -> Self {
        Self { locks: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }
}

impl NameLocks {
    fn lock(&self, folder: &Folder, name: &str) -> Result<MutexGuard<'_, ()>, Errno> {
        let stat = fstat(folder)?;
        let hash = self.hasher.hash_one((stat.st_dev, stat.st_ino, name));
        let number = usize::try_from(hash % LOCKS as u64).unwrap_or(0);
        let lock = self.locks.get(number).or_else(|| self.locks.first());
        lock.map(Mutex::lock).ok_or(Errno::NOLCK)
    }
}

/// A folder below the root that may not be there yet. It is made when a file in it gets its name, so that one that
/// fails leaves nothing behind, and takes nothing from another upload.
#[derive(Debug)]
pub(super) struct Place {
    names: Vec<String>,
    /// How many of these led to the deepest folder that there was: the fewest of all looks at it.
    depth: AtomicUsize,
    /// The deepest folder at first, in which drafts are written: it is on the volume on which the missing ones will be.
    nearest: Folder,
}

impl Place {
    pub(super) fn find(root: &Folder, names: &[String]) -> Result<Self, Refusal> {
        for _ in 0..MOST_TRIES {
            let (nearest, depth) = root.descend_as_far_as_possible(names).map_err(Refusal::of_writing)?;
            match ropeway_flow::disk::prove_naming(&nearest) {
                // Another upload that fails has removed it in between.
                Err(Errno::NOENT) => {}
                proved => {
                    proved.map_err(Refusal::of_writing)?;
                    return Ok(Self { names: names.to_vec(), depth: AtomicUsize::new(depth), nearest });
                }
            }
        }
        Err(Refusal::of_writing(Errno::NOENT))
    }

    /// What has this name in the folder now.
    pub(super) fn look_at(&self, name: &str) -> Result<Option<Stat>, Refusal> {
        if self.depth.load(Ordering::Relaxed) < self.names.len() {
            return Ok(None);
        }
        self.nearest.look_at(name).map_err(Refusal::of_writing)
    }

    /// Refuses what there is no room for.
    pub(super) fn check_room(&self, length: Option<u64>) -> Result<(), Refusal> {
        let free = self.nearest.free_space().map_err(Refusal::of_writing)?;
        if length.is_some_and(|length| length > free) { Err(Refusal::DiskFull) } else { Ok(()) }
    }

    /// Begins a draft for a file that is to be called `name`.
    pub(super) fn draft(&self, root: &Folder, name: &str) -> Result<Draft, Refusal> {
        let mut folder = self.nearest.again().map_err(Refusal::of_writing)?;
        for _ in 0..MOST_TRIES {
            match Draft::create(folder, name) {
                // Another upload that fails has removed the folder: the nearest one is further up.
                Err(Errno::NOENT) => {}
                Err(Errno::EXIST) => return Err(Refusal::DiskFailed),
                outcome => return outcome.map_err(Refusal::of_writing),
            }
            let (nearest, depth) = root.descend_as_far_as_possible(&self.names).map_err(Refusal::of_writing)?;
            self.depth.fetch_min(depth, Ordering::Relaxed);
            folder = nearest;
        }
        Err(Refusal::of_writing(Errno::NOENT))
    }

    /// Gives a finished draft its name, durably. `may_replace` is asked about what has the name in that very moment.
    ///
    /// # Errors
    /// What `may_replace` refuses; the draft stays one.
    pub(super) fn publish(
        &self,
        root: &Folder,
        locks: &NameLocks,
        draft: &mut Draft,
        name: &str,
        may_replace: impl Fn(Option<&Stat>) -> Result<(), Refusal>,
    ) -> Result<Published, Refusal> {
        let known = self.depth.load(Ordering::Relaxed);
        for _ in 0..MOST_TRIES {
            let (folder, new) = match root.descend_or_make(&self.names, known) {
                // Another upload that fails has removed a folder in between.
                Err(Errno::NOENT) => continue,
                outcome => outcome.map_err(Refusal::of_writing)?,
            };
            let turn = locks.lock(&folder, name).map_err(Refusal::of_writing)?;
            let existing = folder.look_at(name).map_err(Refusal::of_writing)?;
            may_replace(existing.as_ref())?;
            let published = draft.publish(&folder, name, existing.is_some());
            drop(turn);
            match published {
                // What is not one of our uploads has taken the name: it is asked about, too.
                Err(Errno::EXIST) if existing.is_none() => {}
                Err(Errno::NOENT) => {}
                outcome => {
                    let stat = outcome.map_err(Refusal::of_writing)?;
                    new.keep().map_err(Refusal::of_writing)?;
                    return Ok(Published { stat, has_replaced: existing.is_some() });
                }
            }
        }
        tracing::error!(name, "the folder or the draft of an upload is removed again and again");
        Err(Refusal::DiskFailed)
    }

    /// Takes a file that was published away again, unless something else has its name by now.
    pub(super) fn take_back(
        &self,
        root: &Folder,
        locks: &NameLocks,
        name: &str,
        published: &Published,
    ) -> Result<(), Errno> {
        let folder = root.descend(&self.names)?;
        let turn = locks.lock(&folder, name)?;
        let is_it = |found: &Stat| (found.st_dev, found.st_ino) == (published.stat.st_dev, published.stat.st_ino);
        if folder.look_at(name)?.as_ref().is_some_and(is_it) {
            unlinkat(&folder, name, AtFlags::empty())?;
            folder.sync()?;
        }
        drop(turn);
        Ok(())
    }

    /// The file of this name, to compare it with what has come.
    pub(super) fn open_existing(&self, root: &Folder, name: &str) -> Option<(std::os::fd::OwnedFd, Stat)> {
        root.descend(&self.names).and_then(|folder| folder.open_file(name)).ok()
    }
}

/// A file that has its name.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) stat: Stat,
    pub(super) has_replaced: bool,
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rustix::fs::Mode;

    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split('/').map(str::to_owned).collect()
    }

    fn finished(place: &Place, root: &Folder, name: &str) -> Draft {
        let mut draft = place.draft(root, name).unwrap();
        draft.append(&[Bytes::from_static(b"abc")]).unwrap();
        draft.finish(Mode::RUSR).unwrap();
        draft
    }

    #[test]
    fn missing_folders_are_made_with_the_name_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let root = Folder::open_root(folder.path()).unwrap();
        let place = Place::find(&root, &names("new/er")).unwrap();
        let mut draft = finished(&place, &root, "a");
        assert!(!folder.path().join("new").exists());
        let refused = place.publish(&root, &NameLocks::default(), &mut draft, "a", |_| Err(Refusal::NameTaken));
        assert_eq!(refused.unwrap_err(), Refusal::NameTaken);
        assert!(!folder.path().join("new").exists(), "a refusal leaves no folder");
        place.publish(&root, &NameLocks::default(), &mut draft, "a", |_| Ok(())).unwrap();
        assert_eq!(std::fs::read(folder.path().join("new/er/a")).unwrap(), b"abc");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_goes_before_the_draft_is_begun_is_made_again_with_the_name() {
        let folder = tempfile::tempdir().unwrap();
        let root = Folder::open_root(folder.path()).unwrap();
        std::fs::create_dir_all(folder.path().join("new/er")).unwrap();
        let place = Place::find(&root, &names("new/er")).unwrap();
        std::fs::remove_dir(folder.path().join("new/er")).unwrap();
        std::fs::remove_dir(folder.path().join("new")).unwrap();
        assert!(place.look_at("a").unwrap().is_none());
        let mut draft = finished(&place, &root, "a");
        assert!(!folder.path().join("new").exists());
        place.publish(&root, &NameLocks::default(), &mut draft, "a", |_| Ok(())).unwrap();
        assert_eq!(std::fs::read(folder.path().join("new/er/a")).unwrap(), b"abc");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn uploads_that_fail_take_no_folder_from_those_that_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = Folder::open_root(folder.path()).unwrap();
        let locks = NameLocks::default();
        for round in 0..50 {
            let names = names(&format!("{round}/below"));
            std::thread::scope(|scope| {
                for number in 0..4 {
                    let (names, locks, root) = (&names, &locks, &root);
                    scope.spawn(move || {
                        let place = Place::find(root, names).unwrap();
                        let name = number.to_string();
                        let mut draft = finished(&place, root, &name);
                        let is_honest = number == 0;
                        let may = |_: Option<&Stat>| if is_honest { Ok(()) } else { Err(Refusal::NameTaken) };
                        let published = place.publish(root, locks, &mut draft, &name, may);
                        assert_eq!(published.map(|_| ()), if is_honest { Ok(()) } else { Err(Refusal::NameTaken) });
                    });
                }
            });
            assert_eq!(std::fs::read_dir(folder.path().join(format!("{round}/below"))).unwrap().count(), 1);
        }
    }
}
