//! `ropeway checksums`: what a download's server says its file hashes to.

use clap::Args;
use ropeway_api::{
    command::{Call, JobNumber},
    view::ChecksumOffers,
};

use crate::{
    command::{control::Running, job_ids::JobIds},
    error::CommandError,
    exit::Exit,
    output::to_stdout_as_json,
    terminal::{plain, to_stdout},
};

/// Look beside the addresses of downloads for files that tell their checksums: NAME.sha256, SHA256SUMS and the like.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Checksums {
    #[command(flatten)]
    job_ids: JobIds,

    /// Print what was found for one job as JSON a line
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  ropeway checksums 3
  ropeway checksums --json all";

impl Checksums {
    /// Prints what is found, the surest first.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        let running = Running::find().await?;
        for id in running.job_ids(&self.job_ids).await? {
            let found: ChecksumOffers = running.call(Call::ChecksumSearch(JobNumber { id })).await?;
            if self.json {
                to_stdout_as_json(&found)?;
                continue;
            }
            for offer in found.offers {
                let checksum = offer.checksum.as_deref().unwrap_or("signature");
                to_stdout(&format!("{id}  {}  {}", plain(checksum), plain(&offer.source)));
            }
        }
        Ok(Exit::Complete)
    }
}
