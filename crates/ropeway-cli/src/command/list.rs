//! `ropeway list`: the running queue at one glance.

use clap::{Args, ValueEnum};
use ropeway_api::view::{BlockerView, JobView, PhaseView};

use crate::{
    command::control::Running,
    error::CommandError,
    exit::Exit,
    output::{table, to_stdout_as_json, waits::Waits},
    terminal::to_stdout,
};

/// List the queue of the running desktop app or daemon.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    /// Only jobs in this state
    #[arg(long, value_name = "STATE")]
    state: Option<State>,

    /// Print one row as JSON a line
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  ropeway list
  ropeway list --state failed
  ropeway list --json";

/// The groups of the window's sidebar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum State {
    /// Connecting, moving bytes or verifying
    Active,
    /// Waiting for a free place or for the next try
    Waiting,
    /// Paused by the user
    Paused,
    /// Complete
    Completed,
    /// Failed
    Failed,
    /// Canceled
    Canceled,
    /// Waiting for you: a taken name, no room, a link that has expired
    Attention,
}

impl State {
    const fn holds(self, phase: &PhaseView) -> bool {
        if matches!(self, Self::Attention) {
            return needs_the_user(phase);
        }
        match phase {
            PhaseView::Probing | PhaseView::Running | PhaseView::Verifying => matches!(self, Self::Active),
            PhaseView::Queued | PhaseView::Waiting { .. } | PhaseView::Blocked { .. } => matches!(self, Self::Waiting),
            PhaseView::Paused => matches!(self, Self::Paused),
            PhaseView::Completed => matches!(self, Self::Completed),
            PhaseView::Failed { .. } | PhaseView::LinkExpired { .. } => matches!(self, Self::Failed),
            PhaseView::Canceled => matches!(self, Self::Canceled),
        }
    }
}

/// Whether the job stands still until somebody does something.
const fn needs_the_user(phase: &PhaseView) -> bool {
    match phase {
        PhaseView::Failed { .. } | PhaseView::LinkExpired { .. } => true,
        PhaseView::Blocked { by, .. } => !matches!(by, BlockerView::Network),
        _ => false,
    }
}

impl List {
    /// Prints the rows in the order of the list.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        let running = Running::find().await?;
        let snapshot = running.snapshot().await?;
        let wanted = |job: &&JobView| self.state.is_none_or(|state| state.holds(&job.phase));
        let jobs: Vec<&JobView> = snapshot.jobs.iter().filter(wanted).collect();
        if self.json {
            jobs.into_iter().try_for_each(to_stdout_as_json)?;
        } else {
            let waits = Waits::ask(&running, &snapshot.totals).await?;
            table::lines(&jobs, &waits).iter().map(String::as_str).for_each(to_stdout);
        }
        Ok(Exit::Complete)
    }
}
