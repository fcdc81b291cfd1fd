//! What an earlier process left: jobs that were running are queued again, whatever the crash interrupted.

use std::{sync::Arc, time::Duration};

use ropeway_model::{JobId, Phase, Step};
use tokio::time::Instant;

use super::{EngineError, Leftovers};
use crate::{
    config::Scope,
    core::Core,
    retry::LONGEST_WAIT,
    table::{Table, advance},
};

/// A row that nobody took up again for this long has lost its purpose.
const STALE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// In [`Scope::Once`] the jobs wait for an added one that takes them up.
pub(super) async fn run(engine: &Arc<Core>, is_alone: bool) -> Result<(), EngineError> {
    let now = engine.clock.now();
    // Before the rows: a process beside this one records a job before it writes anything of it.
    let soft = soft_files(engine).await;
    if engine.scope == Scope::Once {
        let rows = engine.store.jobs().await?;
        let (stale, kept): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.created.plus(STALE) < now);
        if !stale.is_empty() {
            engine.store.remove_jobs(stale.into_iter().map(|row| row.id).collect()).await?;
        }
        let is_kept = |id: &JobId| kept.iter().any(|row| row.id == *id);
        remove_soft(engine, soft.into_iter().filter(|id| !is_kept(id)).collect()).await;
        *engine.leftovers.lock() = Leftovers::of(kept, is_alone);
        return Ok(());
    }
    let start = Instant::now();
    let put = move |(table, arrived): &mut (Table, Vec<_>), row| {
        let mut entry = table.entry(row);
        advance(&mut entry, Step::Recover);
        if let Phase::Waiting { until, attempt, .. } = &entry.phase {
            // A clock that was set back since must not turn minutes into months.
            entry.state.due = Some(start + until.remaining_from(now).min(LONGEST_WAIT));
            entry.state.attempts = *attempt;
        }
        arrived.push(table.arrive(entry));
    };
    let (mut table, arrived) = engine.store.fold_jobs((Table::default(), Vec::new()), put).await?;
    table.settle(arrived);
    let is_kept = |id: &JobId| table.get(*id).is_some_and(|entry| !entry.phase.is_terminal());
    remove_soft(engine, soft.into_iter().filter(|id| !is_kept(id)).collect()).await;
    *engine.table.lock() = table;
    Ok(())
}

/// Jobs that soft checkpoints were left of.
async fn soft_files(engine: &Core) -> Vec<JobId> {
    let Some(soft) = engine.soft.clone() else { return Vec::new() };
    let listed = engine.blocking.start_brief(move || soft.jobs()).await;
    // Each is looked at again when its job is: these are only to be tidied up.
    listed.ok().and_then(Result::ok).unwrap_or_default()
}

/// Removes soft checkpoints of jobs that are over or gone: their process was killed before it could.
async fn remove_soft(engine: &Core, jobs: Vec<JobId>) {
    let Some(soft) = engine.soft.clone().filter(|_| !jobs.is_empty()) else { return };
    let work = move || {
        for job in jobs {
            if let Err(error) = soft.remove(job) {
                tracing::warn!(%job, %error, "soft checkpoint not removed");
            }
        }
    };
    // A panic there was told by the thread.
    drop(engine.blocking.start_brief(work).await);
}
