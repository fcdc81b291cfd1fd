//! What can be proved of a file at rest: its blocks, and the checksums that its server's folder tells.

use ropeway_model::JobId;

use super::{Engine, EngineError};
use crate::{
    blocks::{self, BlockReport},
    checksum_files::{self, ChecksumOffer},
};

impl Engine {
    /// Compares a download at rest, finished or not, with the block digests that were recorded as it came.
    ///
    /// # Errors
    /// [`EngineError::WrongPhase`] while the job may write to the file, [`EngineError::NothingRecorded`] if it has no
    /// block digests, [`EngineError::Disk`] if the file is gone or cannot be read.
    pub async fn verify(&self, id: JobId) -> Result<BlockReport, EngineError> {
        blocks::verify(&self.core, id).await
    }

    /// Compares, and mends what is damaged. In a finished file by fetching these blocks again, in an unfinished one by
    /// leaving them to the job. The report tells what is damaged still.
    ///
    /// # Errors
    /// As [`Engine::verify`]; [`EngineError::Held`] while no job may start; [`EngineError::Remote`] if the server does not send the same version any more.
    pub async fn repair(&self, id: JobId) -> Result<BlockReport, EngineError> {
        self.core.refuse_held()?;
        blocks::repair(&self.core, id).await
    }

    /// Looks beside a download's address for files that tell its checksum, the surest first.
    ///
    /// # Errors
    /// [`EngineError::NoSuchJob`]; [`EngineError::Held`] while no job may start. A server that does not answer has no checksum files.
    pub async fn find_checksums(&self, id: JobId) -> Result<Vec<ChecksumOffer>, EngineError> {
        self.core.refuse_held()?;
        let (spec, remote) = {
            let table = self.core.table.lock();
            let entry = table.get(id).ok_or(EngineError::NoSuchJob(id))?;
            (entry.spec(), entry.remote.clone())
        };
        Ok(checksum_files::search(&self.core, &spec, remote.as_deref()).await)
    }
}
