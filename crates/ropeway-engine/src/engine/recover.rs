//! What an earlier process left: jobs that were running are queued again, whatever the crash interrupted.

use std::{sync::Arc, time::Duration};

use ropeway_model::{Phase, Step};
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
    if engine.scope == Scope::Once {
        let rows = engine.store.jobs().await?;
        let (stale, kept): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.created.plus(STALE) < now);
        if !stale.is_empty() {
            engine.store.remove_jobs(stale.into_iter().map(|row| row.id).collect()).await?;
        }
        *engine.leftovers.lock() = Leftovers::of(kept, is_alone);
        return Ok(());
    }
    let start = Instant::now();
    let put = move |(table, arrived): &mut (Table, Vec<_>), row| {
        let mut entry = table.entry(row);
        advance(&mut entry, Step::Recover);
        if let Phase::Waiting { until, attempt, .. } = &entry.phase {
            // A clock that was set back since must not turn minutes into months.
            entry.known.due = Some(start + until.remaining_from(now).min(LONGEST_WAIT));
            entry.known.attempts = *attempt;
        }
        arrived.push(table.arrive(entry));
    };
    let (mut table, arrived) = engine.store.fold_jobs((Table::default(), Vec::new()), put).await?;
    table.settle(arrived);
    *engine.table.lock() = table;
    Ok(())
}
