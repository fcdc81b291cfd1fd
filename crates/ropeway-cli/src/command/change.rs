//! `ropeway change`: what a job is to be like from now on.

use std::str::FromStr;

use clap::{ArgGroup, Args};
use ropeway_api::{
    command::{Call, Done, JobChange},
    view::PhaseView,
};
use ropeway_model::{ConnectionChoice, Digest};

use crate::{
    command::{
        control::Running,
        job_ids::JobIds,
        options::Priority,
        patch::Patch,
        time_arg::time_arg,
        verify::{Compared, finished_file},
    },
    error::CommandError,
    exit::Exit,
    terminal::to_stdout,
};

/// Change jobs of the running desktop app or daemon: when they start, how urgent they are, what they must hash to.
///
/// Speeds are changed with `ropeway limit`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, group(ArgGroup::new("what").multiple(true).required(true)))]
pub(crate) struct Change {
    #[command(flatten)]
    job_ids: JobIds,

    /// Do not start before this moment: HH:MM, or a date as in RFC 3339; none starts as soon as there is a place
    #[arg(long, value_name = "TIME|none", group = "what")]
    at: Option<Patch<Start>>,

    /// How urgent the jobs are
    #[arg(long, value_name = "PRIORITY", group = "what")]
    priority: Option<Priority>,

    /// Connections for each file, 1 to 64, auto for as many as the line is worth, or none for as many as in the settings
    #[arg(short = 'n', long, value_name = "NUMBER|auto|none", group = "what")]
    connections: Option<Patch<ConnectionChoice>>,

    /// What the file must hash to, as sha256:HEX, or none; only for a single job, whose file is compared again if it failed
    /// for another one
    #[arg(long, value_name = "ALGO:HEX|none", group = "what")]
    checksum: Option<Patch<Digest>>,
}

const EXAMPLES: &str = "Examples:
  ropeway change 3 4 --at 02:00
  ropeway change 3 --at none --priority high
  ropeway change 5 --checksum sha256:9f86d0…";

/// A moment in Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Start(i64);

impl FromStr for Start {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        time_arg(text).map(Self)
    }
}

impl Change {
    /// Changes it, durably. What is at its end does not change any more: its file is compared with a checksum at once, and
    /// for anything else the command says so.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        let running = Running::find().await?;
        if let Some(Patch(Some(digest))) = &self.checksum
            && let Some(id) = completed(&running, &self.job_ids).await?
        {
            let path = finished_file(&running, id).await?;
            let compared = Compared::of(path, digest.algorithm(), Some(digest)).await?;
            to_stdout(&compared.sentence());
            return Ok(compared.exit());
        }
        let ids = running.open_job_ids(&self.job_ids).await?;
        let change = JobChange {
            ids,
            rate_limit: None,
            connections: self.connections.map(|patch| patch.0),
            priority: self.priority.map(Into::into),
            start_at_ms: self.at.map(|patch| patch.0.map(|start| start.0)),
            checksum: self.checksum.map(|patch| patch.0.map(String::from)),
        };
        let _: Done = running.call(Call::JobChange(change)).await?;
        Ok(Exit::Complete)
    }
}

/// The job, where only one is meant, and that is complete.
async fn completed(running: &Running, wanted: &JobIds) -> Result<Option<i64>, CommandError> {
    let jobs = running.snapshot().await?.jobs;
    let [id] = wanted.among(&jobs)[..] else { return Ok(None) };
    Ok(jobs.iter().any(|job| job.id == id && matches!(job.phase, PhaseView::Completed)).then_some(id))
}
