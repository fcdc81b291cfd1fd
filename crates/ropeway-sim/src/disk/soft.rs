//! Soft checkpoints of a run: what is written to them stays when a process is killed, and is for the power cut to take.

use std::{collections::BTreeMap, path::Path};

use ropeway_engine::SoftCheckpoint;
use ropeway_flow::disk::{BootId, DiskError, SoftFiles};
use ropeway_model::JobId;

use super::{File, SimDisk};
use crate::random::Random;

/// Soft checkpoints of a run, and the number of its boot.
#[derive(Debug, Default)]
pub(super) struct Soft {
    boot: u8,
    files: BTreeMap<JobId, File>,
}

impl Soft {
    /// The power is gone, and the next boot is another one.
    pub(super) fn cut(&mut self, random: &mut Random, per_mille: u64) {
        self.boot += 1;
        for file in self.files.values_mut() {
            file.cut(random, per_mille);
        }
    }

    fn boot(&self) -> BootId {
        BootId([self.boot; 16])
    }
}

impl SimDisk {
    /// A process begins.
    pub(crate) fn begin(&self) {
        self.state.lock().files.values_mut().for_each(File::begin);
    }

    /// The number of the file at `path`.
    pub(crate) fn inode(&self, path: &Path) -> Option<u64> {
        self.state.lock().names.find(path)
    }

    /// Soft checkpoint of `job` that a process finds which starts now.
    pub(crate) fn soft(&self, job: JobId) -> Option<SoftCheckpoint> {
        let state = self.state.lock();
        let (_, found) = SoftCheckpoint::latest(&state.soft.files.get(&job)?.cache)?;
        (found.boot == state.soft.boot()).then_some(found)
    }
}

/// The soft files of a process.
#[derive(Debug)]
pub(super) struct SoftFolder(pub(super) SimDisk);

impl SoftFiles for SoftFolder {
    fn boot(&self) -> BootId {
        self.0.state.lock().soft.boot()
    }

    fn write(&self, job: JobId, bytes: &[u8], offset: u64) -> Result<(), DiskError> {
        self.0.is_on("soft".as_ref())?;
        self.0.world.note(format_args!("disk: soft checkpoint of {job}: {} bytes at {offset}", bytes.len()));
        let now = self.0.world.now();
        self.0.state.lock().soft.files.entry(job).or_default().write(bytes, offset, now);
        Ok(())
    }

    fn read(&self, job: JobId) -> Result<Vec<u8>, DiskError> {
        self.0.is_on("soft".as_ref())?;
        Ok(self.0.state.lock().soft.files.get(&job).map(|file| file.cache.clone()).unwrap_or_default())
    }

    fn remove(&self, job: JobId) -> Result<(), DiskError> {
        self.0.is_on("soft".as_ref())?;
        if self.0.state.lock().soft.files.remove(&job).is_some() {
            self.0.world.note(format_args!("disk: soft checkpoint of {job} removed"));
        }
        Ok(())
    }

    fn jobs(&self) -> Result<Vec<JobId>, DiskError> {
        self.0.is_on("soft".as_ref())?;
        Ok(self.0.state.lock().soft.files.keys().copied().collect())
    }
}
