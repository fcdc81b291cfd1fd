//! `ropeway watch`: the running queue, followed from a terminal.

use std::{collections::HashSet, time::Duration};

use clap::Args;
use ropeway_api::view::{JobView, PhaseView, Snapshot};

use crate::{
    command::{
        control::{Running, not_found},
        job_ids::{JobIds, Which},
    },
    error::CommandError,
    exit::Exit,
    output::{
        Amount,
        hint::next_command,
        text::{self},
        waits::Waits,
    },
    run::{Queue, RunState},
    signal::Interruption,
    terminal::{plain, to_stderr},
};

/// How often the running queue is asked.
const PERIOD: Duration = Duration::from_millis(500);

/// Follow jobs of the running desktop app or daemon until nothing moves any more.
///
/// Ctrl+C ends the watching, not the transfers. Paused jobs are not waited for, nor those that start later
/// or that the schedule pauses.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Watch {
    /// Numbers as `ropeway list` shows them, or all
    #[arg(value_name = "ID|all", default_value = "all")]
    which: Vec<Which>,

    #[command(flatten)]
    amount: Amount,
}

const EXAMPLES: &str = "Examples:
  ropeway watch
  ropeway watch 3 4
  ropeway watch --json all";

impl Watch {
    /// Shows progress until the jobs are at their ends; fails if one of them failed.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        let interruption = Interruption::listen()?;
        let running = Running::find().await?;
        let job_ids = JobIds::from(self.which);
        let first = running.snapshot().await?;
        if let Some(id) = job_ids.missing(&first.jobs) {
            return Err(not_found(id));
        }
        let wanted: HashSet<i64> = watched(&job_ids, &first);
        let mut output = self.amount.output();
        let mut state = RunState::of(Queue::Running);
        let mut snapshot = first;
        let mut rounds = tokio::time::interval(PERIOD);
        rounds.reset();
        let exit = loop {
            snapshot.jobs.retain(|job| wanted.contains(&job.id));
            let waits = Waits::of(&snapshot.totals);
            let moves = |job: &JobView| is_under_way(&job.phase) && !is_kept(&waits, job);
            let is_over = !snapshot.jobs.iter().any(moves);
            let is_stuck = snapshot.jobs.iter().any(|job| waits.needs_user(&job.phase));
            let kept: Vec<String> = snapshot.jobs.iter().filter_map(|job| kept_from(&waits, job)).collect();
            for end in &state.replace(snapshot) {
                output.ended(end);
            }
            output.draw(&state);
            if is_over {
                kept.iter().map(String::as_str).for_each(to_stderr);
                break if state.sums().failed > 0 || is_stuck { Exit::Failed } else { Exit::Complete };
            }
            tokio::select! {
                () = interruption.came() => break Exit::Interrupted,
                _ = rounds.tick() => {}
            }
            snapshot = running.snapshot().await?;
        };
        output.close(&state);
        Ok(exit)
    }
}

/// What keeps a job from moving that nobody waits for here; `None` where it moves or is at its end.
fn kept_from(waits: &Waits, job: &JobView) -> Option<String> {
    (is_under_way(&job.phase) && is_kept(waits, job)).then(|| {
        let next = next_command(job).map(|command| format!("; next: {command}")).unwrap_or_default();
        format!("{}: {}{next}", plain(&job.name), waits.state(job))
    })
}

/// Whether the job waits for an hour that nobody sits here for, or for its user.
fn is_kept(waits: &Waits, job: &JobView) -> bool {
    !waits.lets_go_on(&job.phase) || waits.needs_user(&job.phase) || text::starts_later(job)
}

/// The jobs to follow: those that are named or, with `all`, those that are not at their end already.
fn watched(job_ids: &JobIds, snapshot: &Snapshot) -> HashSet<i64> {
    if !job_ids.is_all() {
        return job_ids.given().into_iter().collect();
    }
    let is_open = |job: &&JobView| is_under_way(&job.phase);
    snapshot.jobs.iter().filter(is_open).map(|job| job.id).collect()
}

const fn is_under_way(phase: &PhaseView) -> bool {
    match phase {
        PhaseView::Queued
        | PhaseView::Probing
        | PhaseView::Running
        | PhaseView::Waiting { .. }
        | PhaseView::Blocked { .. }
        | PhaseView::Verifying => true,
        PhaseView::Paused
        | PhaseView::LinkExpired { .. }
        | PhaseView::Completed
        | PhaseView::Canceled
        | PhaseView::Failed { .. } => false,
    }
}
