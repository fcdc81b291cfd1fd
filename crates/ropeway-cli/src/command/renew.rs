//! `ropeway renew`: another link to the same file.

use clap::Args;
use ropeway_api::command::{Call, Done, JobRenew};

use crate::{command::control::Running, error::CommandError, exit::Exit};

/// Give a download of the running desktop app or daemon another link to the same file.
///
/// The bytes it has are kept: the new link must lead to a file of the same length with the same bytes where some are
/// here already. Otherwise the job fails and still has them.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Renew {
    /// The job's number
    #[arg(value_name = "ID")]
    id: i64,

    /// Where the same file is now
    #[arg(value_name = "URL")]
    url: String,
}

const EXAMPLES: &str = "Examples:
  ropeway renew 3 'https://example.org/disk.iso?token=new'";

impl Renew {
    /// Gives it, durably.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        let call = Call::JobRenew(JobRenew { id: self.id, url: self.url });
        let _: Done = Running::find().await?.call(call).await?;
        Ok(Exit::Complete)
    }
}
