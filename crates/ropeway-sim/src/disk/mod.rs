//! A disk in memory that loses what was not synced, fills up and fails.

mod file;
mod names;
mod soft;
mod source;
mod trouble;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use ropeway_flow::disk::{Disk, DiskError, FileStamp, Notes, PartFile, SoftFiles, SourceFile};

pub(crate) use file::File;
use names::{Inode, Names};
use soft::{Soft, SoftFolder};
pub(crate) use trouble::{Operation, Trouble};

use crate::{plant::Plant, random::Random, source::Source, world::World};

/// The only folder that jobs may write to.
pub(crate) const FOLDER: &str = "/downloads";

/// The disk of a run; a clone is the same disk.
#[derive(Clone, Debug)]
pub(crate) struct SimDisk {
    world: Arc<World>,
    state: Arc<Mutex<State>>,
    plant: Option<Plant>,
}

#[derive(Debug)]
struct State {
    names: Names,
    files: BTreeMap<Inode, File>,
    sources: BTreeMap<PathBuf, Arc<Source>>,
    locked: BTreeSet<Inode>,
    soft: Soft,
    next: Inode,
    trouble: Trouble,
    random: Random,
    /// Operations that had an effect, and after how many of them the machine stops.
    operations: u64,
    stop_after: Option<u64>,
    /// Whether this file system has files without a name.
    has_nameless: bool,
}

impl SimDisk {
    pub(crate) fn new(world: Arc<World>, mut random: Random, trouble: Trouble, plant: Option<Plant>) -> Self {
        let has_nameless = random.hits(700);
        let state = State {
            names: Names::default(),
            files: BTreeMap::new(),
            sources: BTreeMap::new(),
            locked: BTreeSet::new(),
            soft: Soft::default(),
            next: 1,
            trouble,
            random,
            operations: 0,
            stop_after: None,
            has_nameless,
        };
        Self { world, state: Arc::new(Mutex::new(state)), plant }
    }

    /// Puts a file of the user's own there.
    pub(crate) fn put(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.state.lock();
        let inode = state.create(path);
        state.files.insert(inode, File::at_rest(bytes.to_owned()));
        state.names.sync();
    }

    /// Stops the machine before the operation that comes after `count` more.
    pub(crate) fn stop_after(&self, count: Option<u64>) {
        let mut state = self.state.lock();
        state.stop_after = count.map(|count| state.operations + count);
    }

    /// The process is gone: its locks are too, what it wrote stays.
    pub(crate) fn kill(&self) {
        self.state.lock().locked.clear();
    }

    /// The power is gone.
    pub(crate) fn cut(&self) {
        let mut state = self.state.lock();
        let State { names, files, random, locked, soft, .. } = &mut *state;
        locked.clear();
        let per_mille = random.pick(&[0, 0, 300, 900]);
        names.cut(random);
        for file in files.values_mut() {
            file.cut(random, per_mille);
        }
        soft.cut(random, per_mille);
    }

    /// All files by their names.
    pub(crate) fn each(&self, mut look: impl FnMut(&Path, &File)) {
        let state = self.state.lock();
        for (path, inode) in state.names.iter() {
            if let Some(file) = state.files.get(&inode) {
                look(path, file);
            }
        }
    }

    /// Looks at one file.
    pub(crate) fn look<R>(&self, path: &Path, look: impl FnOnce(&File) -> R) -> Option<R> {
        let state = self.state.lock();
        state.names.find(path).and_then(|inode| state.files.get(&inode)).map(look)
    }

    /// What an operation that changes something must pass: the machine is on, and the place is one we may write to.
    fn enter(&self, state: &mut State, path: &Path, what: &str) -> Result<(), DiskError> {
        if !path.starts_with(FOLDER) || path.components().any(|part| part == std::path::Component::ParentDir) {
            self.world.violate(format!("I6: {what} {}", path.display()));
        }
        if state.stop_after.is_some_and(|stop| state.operations >= stop) {
            state.stop_after = None;
            self.world.turn_off();
        }
        self.is_on(path)?;
        state.operations += 1;
        Ok(())
    }

    fn is_on(&self, path: &Path) -> Result<(), DiskError> {
        if self.world.is_off() { Err(DiskError::at(path, io::Error::other("the machine is off"))) } else { Ok(()) }
    }

    fn handle(&self, state: &mut State, path: &Path, inode: Inode) -> Result<Arc<dyn PartFile>, DiskError> {
        if !state.locked.insert(inode) {
            return Err(DiskError::InUse { path: path.to_owned() });
        }
        Ok(Arc::new(SimFile { disk: self.clone(), path: path.to_owned(), inode }))
    }
}

impl State {
    fn create(&mut self, path: &Path) -> Inode {
        let inode = self.next;
        self.next += 1;
        self.names.create(path, inode);
        self.files.insert(inode, File::default());
        inode
    }

    fn used(&self) -> u64 {
        self.names.iter().filter_map(|(_, inode)| self.files.get(&inode)).map(|file| file.cache.len() as u64).sum()
    }

    fn try_to(&mut self, operation: Operation, path: &Path, now: u64) -> Result<(), DiskError> {
        if self.trouble.fails(operation, now) {
            let error = io::Error::from_raw_os_error(5);
            return Err(DiskError::Io { path: path.to_owned(), source: error });
        }
        Ok(())
    }
}

impl Disk for SimDisk {
    fn create_folder(&self, folder: &Path) -> Result<Vec<PathBuf>, DiskError> {
        self.is_on(folder).map(|()| Vec::new())
    }

    fn create_part(&self, path: &Path) -> Result<Arc<dyn PartFile>, DiskError> {
        let mut state = self.state.lock();
        self.enter(&mut state, path, "creates")?;
        if state.names.find(path).is_some() {
            return Err(DiskError::Exists { path: path.to_owned() });
        }
        let inode = state.create(path);
        self.world.note(format_args!("disk: create {} as {inode}", path.display()));
        self.handle(&mut state, path, inode)
    }

    fn create_nameless(&self, folder: &Path) -> Result<Arc<dyn PartFile>, DiskError> {
        let path = folder.join("nameless");
        let file = self.create_part(&path)?;
        self.remove(&path)?;
        Ok(file)
    }

    fn open_part(&self, path: &Path) -> Result<Arc<dyn PartFile>, DiskError> {
        self.is_on(path)?;
        let mut state = self.state.lock();
        let found = state.names.find(path);
        self.world.note(format_args!("disk: open {}: {found:?}", path.display()));
        let inode = found.ok_or_else(|| DiskError::Missing { path: path.to_owned() })?;
        self.handle(&mut state, path, inode)
    }

    /// A file that has no name before its bytes are durable, on file systems that have such files.
    fn save_whole(&self, pieces: &[&[u8]], final_path: &Path, _: &Notes) -> Result<bool, DiskError> {
        let bytes = pieces.concat();
        let mut state = self.state.lock();
        if !state.has_nameless {
            return Ok(false);
        }
        self.enter(&mut state, final_path, "writes the whole of")?;
        let now = self.world.now();
        state.try_to(Operation::Write, final_path, now)?;
        if state.used() + bytes.len() as u64 > state.trouble.capacity(now) {
            return Err(DiskError::at(final_path, io::ErrorKind::StorageFull.into()));
        }
        state.try_to(Operation::Sync, final_path, now)?;
        self.enter(&mut state, final_path, "links")?;
        if state.names.find(final_path).is_some() {
            return Err(DiskError::Exists { path: final_path.to_owned() });
        }
        self.world.note(format_args!("disk: the whole of {}", final_path.display()));
        let inode = state.create(final_path);
        let mut file = File::at_rest(bytes);
        file.modified = now;
        state.files.insert(inode, file);
        Ok(true)
    }

    fn sync_folder(&self, folder: &Path) -> Result<(), DiskError> {
        let mut state = self.state.lock();
        self.enter(&mut state, folder, "syncs")?;
        let now = self.world.now();
        state.try_to(Operation::Sync, folder, now)?;
        state.names.sync();
        Ok(())
    }

    fn publish(&self, part: &Path, final_path: &Path, replace: bool) -> Result<(), DiskError> {
        let mut state = self.state.lock();
        self.enter(&mut state, final_path, "renames to")?;
        if state.names.find(final_path).is_some() && !replace {
            return Err(DiskError::Exists { path: final_path.to_owned() });
        }
        if state.names.find(part).is_none() {
            return Err(DiskError::Missing { path: part.to_owned() });
        }
        self.world.note(format_args!("disk: publish {}", final_path.display()));
        state.names.rename(part, final_path);
        self.enter(&mut state, final_path, "syncs")?;
        let now = self.world.now();
        state.try_to(Operation::Sync, final_path, now)?;
        state.names.sync();
        Ok(())
    }

    /// This file system takes no notes.
    fn remove(&self, path: &Path) -> Result<(), DiskError> {
        let mut state = self.state.lock();
        self.enter(&mut state, path, "removes")?;
        self.world.note(format_args!("disk: remove {}", path.display()));
        state.names.remove(path);
        Ok(())
    }

    fn length_of(&self, path: &Path) -> Result<Option<u64>, DiskError> {
        self.is_on(path)?;
        Ok(self.look(path, |file| file.cache.len() as u64))
    }

    fn is_taken(&self, path: &Path) -> Result<bool, DiskError> {
        self.is_on(path)?;
        Ok(self.look(path, |_| ()).is_some())
    }

    fn free_space(&self, folder: &Path) -> Result<u64, DiskError> {
        self.is_on(folder)?;
        let state = self.state.lock();
        Ok(state.trouble.capacity(self.world.now()).saturating_sub(state.used()))
    }

    fn longest_file(&self, folder: &Path) -> Result<u64, DiskError> {
        self.is_on(folder).map(|()| u64::MAX)
    }

    fn open_source(&self, path: &Path) -> Result<Arc<dyn SourceFile>, DiskError> {
        self.source(path).map(|source| Arc::new(source) as _)
    }

    fn soft_files(&self, _: &Path) -> Option<Arc<dyn SoftFiles>> {
        Some(Arc::new(SoftFolder(self.clone())))
    }
}

/// An open part file.
#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    path: PathBuf,
    inode: Inode,
}

impl SimFile {
    fn change<R>(
        &self,
        what: &str,
        change: impl FnOnce(&mut State, u64) -> Result<R, DiskError>,
    ) -> Result<R, DiskError> {
        let mut state = self.disk.state.lock();
        self.disk.enter(&mut state, &self.path, what)?;
        change(&mut state, self.disk.world.now())
    }

    fn file<R>(&self, state: &mut State, change: impl FnOnce(&mut File) -> R) -> R {
        change(state.files.get_mut(&self.inode).expect("an open file is there"))
    }
}

impl PartFile for SimFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), DiskError> {
        self.change("writes", |state, now| {
            state.try_to(Operation::Write, &self.path, now)?;
            let grown = (offset + bytes.len() as u64).saturating_sub(self.file(state, |file| file.cache.len() as u64));
            if grown > 0 && state.used() + grown > state.trouble.capacity(now) {
                return Err(DiskError::at(&self.path, io::ErrorKind::StorageFull.into()));
            }
            self.disk.world.note(format_args!("disk: write {}+{} in {}", offset, bytes.len(), self.inode));
            self.file(state, |file| {
                file.write(bytes, offset, now);
            });
            Ok(())
        })
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError> {
        self.disk.is_on(&self.path)?;
        let mut state = self.disk.state.lock();
        let now = self.disk.world.now();
        state.try_to(Operation::Read, &self.path, now)?;
        Ok(self.file(&mut state, |file| {
            let rest = usize::try_from(offset).ok().and_then(|start| file.cache.get(start..)).unwrap_or_default();
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            count
        }))
    }

    fn sync_data(&self) -> Result<(), DiskError> {
        self.change("syncs", |state, now| {
            if let Err(error) = state.try_to(Operation::Sync, &self.path, now) {
                self.disk.world.note(format_args!("disk: sync of {} fails", self.inode));
                self.file(state, File::lose);
                return Err(error);
            }
            self.disk.world.note(format_args!("disk: sync {}", self.inode));
            if self.disk.plant != Some(Plant::NoSync) {
                self.file(state, File::sync);
                state.names.sync();
            }
            Ok(())
        })
    }

    fn length(&self) -> Result<u64, DiskError> {
        self.disk.is_on(&self.path)?;
        Ok(self.file(&mut self.disk.state.lock(), |file| file.cache.len() as u64))
    }

    fn set_length(&self, length: u64) -> Result<(), DiskError> {
        self.change("cuts", |state, now| {
            self.disk.world.note(format_args!("disk: length {length} of {}", self.inode));
            self.file(state, |file| {
                file.set_length(length);
                file.modified = now;
            });
            Ok(())
        })
    }

    fn stamp(&self) -> Result<FileStamp, DiskError> {
        self.disk.is_on(&self.path)?;
        Ok(self.file(&mut self.disk.state.lock(), |file| FileStamp {
            length: file.cache.len() as u64,
            modified_ns: i128::from(file.modified) * 1_000_000,
            inode: self.inode,
        }))
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        // A process that is gone has no locks left to give back; its successor may have them by now.
        if !self.disk.world.is_off() {
            self.disk.state.lock().locked.remove(&self.inode);
        }
    }
}
