//! A disk that keeps lengths and no bytes, a queue's volume that takes no time, a world without randomness.

use std::{
    collections::BTreeMap,
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use ropeway_engine::network::Routes;
use ropeway_flow::{
    blocking::Delay,
    clock::Clock,
    disk::{Disk, DiskError, FileStamp, Notes, PartFile, SourceFile},
    rng::Rng,
};
use ropeway_model::{LocalTime, Timestamp};
use ropeway_store::{Volume, Waiting};
use tokio::time::Instant;

use crate::world::EPOCH_MS;

/// Room on the disk.
const ROOM: u64 = 1 << 50;

/// Everything but the network.
#[derive(Clone, Debug)]
pub(super) struct Blank {
    began: Instant,
    lengths: Arc<Mutex<BTreeMap<PathBuf, u64>>>,
}

impl Blank {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), lengths: Arc::default() }
    }

    fn part(&self, path: &Path) -> Arc<dyn PartFile> {
        Arc::new(BlankFile { disk: self.clone(), path: path.to_owned() })
    }
}

impl Clock for Blank {
    fn now(&self) -> Timestamp {
        let passed = EPOCH_MS + u64::try_from(self.began.elapsed().as_millis()).unwrap_or(0);
        Timestamp::from_unix_ms(i64::try_from(passed).unwrap_or(i64::MAX))
    }

    fn slept(&self) -> Duration {
        Duration::ZERO
    }

    fn local(&self) -> LocalTime {
        LocalTime { weekday: 1, minute: 0 }
    }
}

impl Rng for Blank {
    fn uniform(&self) -> f64 {
        0.5
    }
}

impl Routes for Blank {
    fn reach(&self, _: &str) -> bool {
        true
    }
}

impl Delay for Blank {
    fn pause(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::ready(()))
    }
}

impl Volume for Blank {
    fn commit(&self) -> Waiting<'_, bool> {
        Box::pin(std::future::ready(true))
    }

    fn acknowledge(&self) -> Waiting<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

impl Disk for Blank {
    fn create_folder(&self, _: &Path) -> Result<Vec<PathBuf>, DiskError> {
        Ok(Vec::new())
    }

    fn create_part(&self, path: &Path) -> Result<Arc<dyn PartFile>, DiskError> {
        self.lengths.lock().insert(path.to_owned(), 0);
        Ok(self.part(path))
    }

    fn create_nameless(&self, folder: &Path) -> Result<Arc<dyn PartFile>, DiskError> {
        self.create_part(&folder.join("nameless"))
    }

    fn open_part(&self, path: &Path) -> Result<Arc<dyn PartFile>, DiskError> {
        Ok(self.part(path))
    }

    fn publish(&self, part: &Path, final_path: &Path, _: bool) -> Result<(), DiskError> {
        let mut lengths = self.lengths.lock();
        let length = lengths.remove(part).ok_or_else(|| DiskError::Missing { path: part.to_owned() })?;
        lengths.insert(final_path.to_owned(), length);
        Ok(())
    }

    fn save_whole(&self, _: &[&[u8]], _: &Path, _: &Notes) -> Result<bool, DiskError> {
        Ok(false)
    }

    fn remove(&self, path: &Path) -> Result<(), DiskError> {
        self.lengths.lock().remove(path);
        Ok(())
    }

    fn sync_folder(&self, _: &Path) -> Result<(), DiskError> {
        Ok(())
    }

    fn length_of(&self, path: &Path) -> Result<Option<u64>, DiskError> {
        Ok(self.lengths.lock().get(path).copied())
    }

    fn is_taken(&self, path: &Path) -> Result<bool, DiskError> {
        Ok(self.lengths.lock().contains_key(path))
    }

    fn free_space(&self, _: &Path) -> Result<u64, DiskError> {
        Ok(ROOM)
    }

    fn longest_file(&self, _: &Path) -> Result<u64, DiskError> {
        Ok(ROOM)
    }

    fn open_source(&self, path: &Path) -> Result<Arc<dyn SourceFile>, DiskError> {
        Err(DiskError::Missing { path: path.to_owned() })
    }
}

#[derive(Debug)]
struct BlankFile {
    disk: Blank,
    path: PathBuf,
}

impl PartFile for BlankFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), DiskError> {
        let mut lengths = self.disk.lengths.lock();
        let length = lengths.entry(self.path.clone()).or_default();
        *length = (*length).max(offset + bytes.len() as u64);
        Ok(())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError> {
        let rest = self.length()?.saturating_sub(offset);
        let count = usize::try_from(rest).unwrap_or(usize::MAX).min(buffer.len());
        buffer[..count].fill(0);
        Ok(count)
    }

    fn sync_data(&self) -> Result<(), DiskError> {
        Ok(())
    }

    fn length(&self) -> Result<u64, DiskError> {
        Ok(self.disk.lengths.lock().get(&self.path).copied().unwrap_or(0))
    }

    fn set_length(&self, length: u64) -> Result<(), DiskError> {
        self.disk.lengths.lock().insert(self.path.clone(), length);
        Ok(())
    }

    fn stamp(&self) -> Result<FileStamp, DiskError> {
        Ok(FileStamp { length: self.length()?, modified_ns: 0, inode: 1 })
    }
}
