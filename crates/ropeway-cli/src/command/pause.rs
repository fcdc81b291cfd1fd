//! `ropeway pause`.

use clap::Args;
use ropeway_api::command::{Call, Done, Jobs, Nothing};

use crate::{
    command::{control::Running, job_ids::JobIds},
    error::CommandError,
    exit::Exit,
};

/// Pause jobs of the running desktop app or daemon; what they have is kept.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Pause {
    #[command(flatten)]
    job_ids: JobIds,
}

const EXAMPLES: &str = "Examples:
  ropeway pause 3 4
  ropeway pause all";

impl Pause {
    /// Wishes it, durably. A job that has stopped already cannot be paused: the command says so.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        let running = Running::find().await?;
        let call = if self.job_ids.is_all() {
            Call::PauseAll(Nothing {})
        } else {
            Call::JobPause(Jobs { ids: running.moving_job_ids(&self.job_ids).await? })
        };
        let _: Done = running.call(call).await?;
        Ok(Exit::Complete)
    }
}
