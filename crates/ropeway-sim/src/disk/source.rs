//! Files of the user's own that uploads read.

use std::{path::Path, sync::Arc};

use ropeway_flow::disk::{DiskError, FileStamp, SourceFile};

use super::{Operation, SimDisk, names::Inode};
use crate::source::Source;

impl SimDisk {
    /// Puts a file there that becomes others at its times.
    pub(crate) fn put_source(&self, source: Source) {
        self.state.lock().sources.insert(source.path.clone(), Arc::new(source));
    }

    /// Opens what has the name now.
    pub(super) fn source(&self, path: &Path) -> Result<SimSource, DiskError> {
        self.is_on(path)?;
        let source = self.state.lock().sources.get(path).cloned();
        let source = source.ok_or_else(|| DiskError::Missing { path: path.to_owned() })?;
        let inode = source.named(self.world.now()).inode;
        Ok(SimSource { disk: self.clone(), source, inode })
    }
}

/// An open source.
#[derive(Debug)]
pub(super) struct SimSource {
    disk: SimDisk,
    source: Arc<Source>,
    inode: Inode,
}

impl SourceFile for SimSource {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError> {
        self.disk.is_on(&self.source.path)?;
        let now = self.disk.world.now();
        self.disk.state.lock().try_to(Operation::Read, &self.source.path, now)?;
        let bytes = self.source.opened(self.inode, now).bytes;
        let rest = usize::try_from(offset).ok().and_then(|start| bytes.get(start..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn stamp(&self) -> Result<FileStamp, DiskError> {
        self.disk.is_on(&self.source.path)?;
        let edition = self.source.opened(self.inode, self.disk.world.now());
        let modified_ns = i128::from(edition.modified) * 1_000_000;
        Ok(FileStamp { length: edition.bytes.len() as u64, modified_ns, inode: self.inode })
    }
}
