//! `ropeway resume`.

use clap::Args;
use ropeway_api::command::{Call, Done, Jobs, Nothing};

use crate::{
    command::{control::Running, job_ids::JobIds},
    error::CommandError,
    exit::Exit,
};

/// Let paused jobs of the running desktop app or daemon go on, and try failed ones again.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Resume {
    #[command(flatten)]
    job_ids: JobIds,
}

const EXAMPLES: &str = "Examples:
  ropeway resume 3 4
  ropeway resume all";

impl Resume {
    /// Wishes it, durably. Of a job at its end nothing becomes any more: the command says so.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        let running = Running::find().await?;
        let call = if self.job_ids.is_all() {
            Call::ResumeAll(Nothing {})
        } else {
            Call::JobResume(Jobs { ids: running.open_job_ids(&self.job_ids).await? })
        };
        let _: Done = running.call(call).await?;
        Ok(Exit::Complete)
    }
}
