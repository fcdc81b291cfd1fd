//! `ropeway answer`: what becomes of a complete file whose name is taken.

use clap::{Args, ValueEnum};
use ropeway_api::{
    command::{Call, Done, JobAnswer},
    settings::OnConflictView,
};

use crate::{command::control::Running, error::CommandError, exit::Exit};

/// Say what becomes of a complete download of the running desktop app or daemon whose name is taken.
///
/// Such a download waits as blocked; no byte of it is fetched again.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Answer {
    /// The job's number
    #[arg(value_name = "ID")]
    id: i64,

    /// What becomes of it
    #[arg(value_name = "WHAT")]
    choice: Choice,
}

const EXAMPLES: &str = "Examples:
  ropeway answer 3 rename
  ropeway answer 3 overwrite";

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Choice {
    /// Save as `name (1)`
    Rename,
    /// Replace the file that has the name
    Overwrite,
    /// Give the job up
    Fail,
}

impl Answer {
    /// Says it, durably.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        let choice = match self.choice {
            Choice::Rename => OnConflictView::Rename,
            Choice::Overwrite => OnConflictView::Overwrite,
            Choice::Fail => OnConflictView::Fail,
        };
        let _: Done = Running::find().await?.call(Call::JobAnswer(JobAnswer { id: self.id, choice })).await?;
        Ok(Exit::Complete)
    }
}
