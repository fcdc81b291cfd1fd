//! `ropeway move`: another place in the list.

use clap::{Args, Subcommand};
use ropeway_api::command::{Call, Done, JobMove};

use crate::{
    command::control::{Running, is_at_end},
    error::CommandError,
    exit::Exit,
    terminal::to_stderr,
};

/// Move a job to another place in the list of the running desktop app or daemon.
///
/// Waiting jobs start in the order of the list.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, disable_help_subcommand = true, subcommand_value_name = "PLACE",
          subcommand_help_heading = "Places")]
pub(crate) struct MoveJob {
    /// The job's number
    #[arg(value_name = "ID")]
    id: i64,

    #[command(subcommand)]
    place: Place,
}

const EXAMPLES: &str = "Examples:
  ropeway move 7 before 3
  ropeway move 7 first
  ropeway move 3 last";

/// Where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
enum Place {
    /// In front of another job
    Before {
        /// The other job's number
        #[arg(value_name = "OTHER")]
        other: i64,
    },
    /// To the head of the list
    First,
    /// To the end of the list
    Last,
}

impl MoveJob {
    /// Moves it, durably. For a job at its end that is a place to be shown at, and the command says so.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        let running = Running::find().await?;
        let jobs = running.snapshot().await?.jobs;
        let before = match self.place {
            Place::Before { other } => Some(other),
            Place::Last => None,
            Place::First => jobs.iter().map(|job| job.id).find(|id| *id != self.id),
        };
        let _: Done = running.call(Call::JobMove(JobMove { ids: vec![self.id], before })).await?;
        if jobs.iter().any(|job| job.id == self.id && is_at_end(&job.phase)) {
            to_stderr(&format!("job {} is at its end: only its place in the list is another one", self.id));
        }
        Ok(Exit::Complete)
    }
}
