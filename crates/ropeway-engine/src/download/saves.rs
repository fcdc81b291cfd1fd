//! Small files that are whole, on their way to the disk. Few threads save them, each as many as wait.
//!
//! A thread that is woken for each file costs more than writing it, and a folder that is synced for each more than the
//! file. While a disk is slow more wait, and more threads save at once.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use parking_lot::Mutex;
use ropeway_flow::disk::{Disk, DiskError, Notes};
use ropeway_model::{FileName, OnConflict};
use tokio::sync::oneshot;

use super::{
    folders_made::with_folder,
    named_folders::Folder,
    naming::{self, Final},
};

/// Threads that save at once. Each has a heap of its own, and what more of them gain is little.
const MOST_SAVERS: usize = 4;
/// Files that wait for each thread before there is one more.
const WAITING_FOR_EACH: usize = 2;
/// Files whose folder is synced once: nobody waits for more of them.
const MOST_TOGETHER: usize = 16;

/// A whole file, and who waits for it.
#[derive(Debug)]
pub(super) struct Save {
    /// Its bytes, in order.
    pub(super) pieces: Vec<Bytes>,
    pub(super) folder: Folder,
    pub(super) name: FileName,
    pub(super) on_conflict: OnConflict,
    pub(super) notes: Notes,
    pub(super) reply: oneshot::Sender<Saved>,
}

/// Where a file is. `None` where the file system cannot save it in one piece.
pub(super) type Saved = Result<Option<PathBuf>, DiskError>;

/// Files that wait to be saved; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Saves {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Save>,
    savers: usize,
}

/// One thread's part in it, which ends however the thread does.
#[derive(Debug)]
pub(super) struct Saver {
    saves: Saves,
    is_counted: bool,
}

impl Drop for Saver {
    fn drop(&mut self) {
        if self.is_counted {
            self.saves.state.lock().savers -= 1;
        }
    }
}

impl Saves {
    /// Lets a file wait. Gives back a saver to run where one more is wanted.
    pub(super) fn push(&self, save: Save) -> Option<Saver> {
        let mut state = self.state.lock();
        state.waiting.push_back(save);
        let is_wanted = state.savers == 0 || state.waiting.len() > state.savers * WAITING_FOR_EACH;
        if !is_wanted || state.savers >= MOST_SAVERS {
            return None;
        }
        state.savers += 1;
        Some(Saver { saves: self.clone(), is_counted: true })
    }
}

impl Saver {
    /// Saves what waits until nothing does.
    pub(super) fn run(mut self, disk: &dyn Disk) {
        while let Some(share) = self.share() {
            save_all(disk, share);
        }
    }

    /// What this one saves next: its share of what waits. With nothing left it stops being one, under the same lock, so
    /// that no file waits for nobody.
    fn share(&mut self) -> Option<Vec<Save>> {
        let mut state = self.saves.state.lock();
        let count = state.waiting.len().div_ceil(state.savers.max(1)).min(MOST_TOGETHER);
        if count == 0 {
            state.savers -= 1;
            self.is_counted = false;
            return None;
        }
        Some(state.waiting.drain(..count).collect())
    }
}

/// Saves files, syncs each folder once, and tells whoever waits.
fn save_all(disk: &dyn Disk, share: Vec<Save>) {
    let mut named: Vec<(PathBuf, Saved, oneshot::Sender<Saved>)> = Vec::with_capacity(share.len());
    for save in share {
        let saved = self::save(disk, &save);
        named.push((save.folder.path, saved, save.reply));
    }
    let mut synced: Vec<(PathBuf, Result<(), DiskError>)> = Vec::new();
    for (folder, saved, reply) in named {
        let saved = match saved {
            Ok(Some(path)) => sync_once(disk, &mut synced, &folder).map(|()| Some(path)),
            other => other,
        };
        // Whoever no longer waits does not mind.
        drop(reply.send(saved));
    }
}

/// Syncs a folder, unless that was done for another file of it.
fn sync_once(
    disk: &dyn Disk,
    synced: &mut Vec<(PathBuf, Result<(), DiskError>)>,
    folder: &Path,
) -> Result<(), DiskError> {
    if !synced.iter().any(|(known, _)| known == folder) {
        synced.push((folder.to_owned(), disk.sync_folder(folder)));
    }
    let outcome = synced.iter().find(|(known, _)| known == folder).map(|(_, outcome)| outcome);
    match outcome {
        Some(Err(error)) => Err(DiskError::at(folder, io::Error::other(error.to_string()))),
        Some(Ok(())) | None => Ok(()),
    }
}

/// Saves a file under the first name that is free.
fn save(disk: &dyn Disk, save: &Save) -> Saved {
    let Save { pieces, folder, name, on_conflict, notes, .. } = save;
    let pieces: Vec<&[u8]> = pieces.iter().map(|piece| &**piece).collect();
    let mut numbers = naming::numbers();
    // Most names are free, and who gives one that is not is told.
    let mut of_final = Final::Found;
    loop {
        let vacancy = naming::vacant(disk, &folder.path, name, *on_conflict, &mut numbers, of_final)?;
        let path = &vacancy.final_path;
        match with_folder(disk, folder, || disk.save_whole(&pieces, path, notes)) {
            Ok(is_saved) => return Ok(is_saved.then_some(vacancy.final_path)),
            // Somebody took the name since: the next one.
            Err(DiskError::Exists { .. }) if *on_conflict == OnConflict::Rename => of_final = Final::Asked,
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use ropeway_flow::disk::LocalDisk;

    use super::*;

    type Waiting = Vec<oneshot::Receiver<Saved>>;

    fn push(queue: &Saves, folder: &Path, count: usize) -> (Vec<Saver>, Waiting) {
        let pushed = (0..count).map(|_| {
            let (reply, told) = oneshot::channel();
            let (pieces, name) = (vec![Bytes::from_static(b"x")], FileName::sanitized("a.bin"));
            let notes = Notes { origin: "http://example.org/".parse().unwrap(), modified: None, version: None };
            let (folder, on_conflict) = (Folder::at(folder, 0), OnConflict::Rename);
            let save = Save { pieces, folder, name, on_conflict, notes, reply };
            (queue.push(save), told)
        });
        let (savers, waiting): (Vec<_>, Waiting) = pushed.unzip();
        (savers.into_iter().flatten().collect(), waiting)
    }

    #[test]
    fn one_saver_is_enough_until_more_wait_and_four_always_are() {
        let folder = tempfile::tempdir().unwrap();
        for (count, expected) in [(1, 1), (2, 1), (3, 2), (5, 3), (7, 4), (60, 4)] {
            let queue = Saves::default();
            assert_eq!(push(&queue, folder.path(), count).0.len(), expected, "{count}");
            assert_eq!(queue.state.lock().savers, 0, "a saver that is dropped is none");
        }
    }

    #[test]
    fn every_file_is_saved_under_a_name_of_its_own_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let queue = Saves::default();
        let (savers, waiting) = push(&queue, folder.path(), 40);
        std::thread::scope(|scope| {
            for saver in savers {
                scope.spawn(|| saver.run(&LocalDisk));
            }
        });
        let mut paths: Vec<_> =
            waiting.into_iter().map(|told| told.blocking_recv().unwrap().unwrap().unwrap()).collect();
        assert!(paths.iter().all(|path| path.is_file()));
        paths.sort();
        paths.dedup();
        assert_eq!((paths.len(), queue.state.lock().savers), (40, 0));
    }
}
