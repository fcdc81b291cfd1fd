//! A download whose bytes go to a stream instead of a file.

use ropeway_model::{Digest, Failure, FailureCode, JobSpec, Transfer};
use ropeway_store::Verification;
use tokio::io::AsyncWrite;

use super::Engine;
use crate::download::Streamed;

/// A file that has been handed to a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piped {
    /// Its bytes.
    pub length: u64,
    /// Its digest, where one was wanted or announced.
    pub digest: Option<Digest>,
    /// Proof of the file.
    pub verification: Verification,
}

/// Progress of a file on its way to a stream.
pub type PipeProgress<'a> = &'a (dyn Fn(u64, Option<u64>) + Send + Sync);

impl Engine {
    /// Fetches the file of a download and writes its bytes to `sink`, in order; `progress` is told how many of how many.
    /// A connection that breaks is replaced, and what comes again must be what was written.
    ///
    /// # Errors
    /// What a job with this specification would fail with; [`FailureCode::StateFailed`] while no job may start;
    /// [`FailureCode::DiskFailed`] if the stream takes no more.
    pub async fn pipe(
        &self,
        spec: &JobSpec,
        sink: &mut (dyn AsyncWrite + Unpin + Send),
        progress: PipeProgress<'_>,
    ) -> Result<Piped, Failure> {
        let Transfer::Download { from, .. } = &spec.transfer else {
            return Err(Failure::new(FailureCode::Internal, "an upload was run as a download".to_owned()));
        };
        Streamed::new(&self.core, spec, from, progress).run(sink).await
    }
}
