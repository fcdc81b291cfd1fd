//! `ropeway show`: everything about a job.

use clap::Args;
use ropeway_api::{
    command::{Call, JobNumber},
    view::JobDetail,
};

use crate::{
    command::{control::Running, job_ids::JobIds},
    error::CommandError,
    exit::Exit,
    output::{details, to_stdout_as_json, waits::Waits},
    terminal::to_stdout,
};

/// Show everything about jobs of the running desktop app or daemon.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Show {
    #[command(flatten)]
    job_ids: JobIds,

    /// Print the details of one job as JSON a line
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  ropeway show 3
  ropeway show --json all";

impl Show {
    /// Prints one job after another.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        let running = Running::find().await?;
        let waits = Waits::ask(&running, &running.snapshot().await?.totals).await?;
        for (place, id) in running.job_ids(&self.job_ids).await?.into_iter().enumerate() {
            let detail: JobDetail = running.call(Call::JobDetail(JobNumber { id })).await?;
            if self.json {
                to_stdout_as_json(&detail)?;
                continue;
            }
            if place > 0 {
                to_stdout("");
            }
            details::lines(&detail, &waits).iter().map(String::as_str).for_each(to_stdout);
        }
        Ok(Exit::Complete)
    }
}
