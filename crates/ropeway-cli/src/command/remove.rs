//! `ropeway remove`.

use clap::Args;
use ropeway_api::command::{Call, Done, JobRemove, Nothing, Removed};

use crate::{
    command::{
        control::Running,
        job_ids::{JobIds, Which},
    },
    error::CommandError,
    exit::Exit,
    terminal::to_stderr,
};

/// Take jobs off the list of the running desktop app or daemon.
///
/// A job that is not complete is given up and what it has is deleted. Complete files stay, unless --delete-files is
/// given.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Remove {
    /// Numbers as `ropeway list` shows them, or all
    #[arg(value_name = "ID|all", required_unless_present = "finished", conflicts_with = "finished")]
    which: Vec<Which>,

    /// All jobs that are complete or canceled; their files stay
    #[arg(long, conflicts_with = "delete_files")]
    finished: bool,

    /// Delete complete downloads from the disk too, as long as they are the files that were saved
    #[arg(long)]
    delete_files: bool,
}

const EXAMPLES: &str = "Examples:
  ropeway remove 3
  ropeway remove --finished
  ropeway remove --delete-files 4";

impl Remove {
    /// Removes them, durably.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        let running = Running::find().await?;
        if self.finished {
            let _: Done = running.call(Call::ClearFinished(Nothing {})).await?;
            return Ok(Exit::Complete);
        }
        let ids = running.job_ids(&JobIds::from(self.which)).await?;
        let removed: Removed =
            running.call(Call::JobRemove(JobRemove { ids, delete_files: self.delete_files })).await?;
        for path in &removed.kept {
            to_stderr(&format!("{path} stays: it cannot be told to be the file that was saved, or cannot be deleted"));
        }
        Ok(if removed.kept.is_empty() { Exit::Complete } else { Exit::Failed })
    }
}
