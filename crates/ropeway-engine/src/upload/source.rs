//! The file that an upload sends, and the guard over it. No byte of another version follows one of this.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use ropeway_drivers::SourceMeta;
use ropeway_flow::disk::{DiskError, FileStamp, SourceFile};
use ropeway_model::{FailureCode, Transfer};
use ropeway_store::UploadState;

use crate::attempt::{Attempt, Stop};

/// A file to send, with what it was when its upload began.
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) file: Arc<dyn SourceFile>,
    pub(super) stamp: FileStamp,
    pub(super) meta: SourceMeta,
}

impl Source {
    /// Opens the file.
    ///
    /// # Errors
    /// [`FailureCode::SourceMissing`]; [`FailureCode::NotAFile`] also for what the system makes up as it is read.
    pub(super) async fn open(attempt: &Attempt, from: &Path) -> Result<Self, Stop> {
        let path = from.to_owned();
        let opened = attempt.on_disk(move |disk| {
            let opened = disk.open_source(&path).and_then(|file| Ok((file.stamp()?, file)));
            let (stamp, file) = opened.map_err(|error| match error {
                DiskError::Missing { .. } => Stop::failed(FailureCode::SourceMissing, error.to_string()),
                DiskError::NotAFile { .. } => Stop::failed(FailureCode::NotAFile, error.to_string()),
                other => other.into(),
            })?;
            let is_made_up = stamp.length == 0 && file.read_at(&mut [0], 0)? > 0;
            Ok::<_, Stop>((stamp, file, is_made_up))
        });
        let (stamp, file, is_made_up) = opened.await?;
        // What the system makes up as it is read, such as the files below /proc, says that it is empty.
        if is_made_up {
            let message = format!("the length of {} is not known before it is read", from.display());
            return Err(Stop::failed(FailureCode::NotAFile, message));
        }
        let meta = SourceMeta { name: Transfer::upload_name(from), length: stamp.length };
        Ok(Self { path: from.to_owned(), file, stamp, meta })
    }

    /// Compares the file with what it was when its upload began.
    ///
    /// # Errors
    /// [`FailureCode::SourceChanged`] where it is another one.
    pub(super) async fn guard(&self, attempt: &Attempt) -> Result<(), Stop> {
        let file = Arc::clone(&self.file);
        if attempt.on_disk(move |_| file.stamp()).await? == self.stamp {
            return Ok(());
        }
        let message = format!("{} changed while it was being sent", self.path.display());
        Err(Stop::failed(FailureCode::SourceChanged, message))
    }

    /// Identity with the file that `state` was saved of.
    pub(super) fn is_of(&self, state: &UploadState) -> bool {
        let saved = FileStamp { length: state.length, modified_ns: state.modified_ns.into(), inode: state.inode };
        saved == self.stamp
    }
}

/// Failure of a source that ends early although nobody changed it.
pub(super) fn cut_short() -> Stop {
    Stop::failed(FailureCode::NotAFile, "it has fewer bytes than its length says")
}
