//! What an earlier process left: jobs that were running are queued again, whatever the crash interrupted.

use std::{sync::Arc, time::Duration};

use ropeway_model::{Phase, Step};
use tokio::time::Instant;

use super::EngineError;
use crate::{
    config::Scope,
    core::Core,
    retry::LONGEST_WAIT,
    table::{Entry, advance},
};

/// A row that nobody took up again for this long has lost its purpose.
const STALE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

pub(super) async fn run(engine: &Arc<Core>) -> Result<(), EngineError> {
    let now = engine.clock.now();
    let rows = engine.store.jobs().await?;
    if engine.scope == Scope::Once {
        let (stale, kept): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.created.plus(STALE) < now);
        if !stale.is_empty() {
            engine.store.remove_jobs(stale.into_iter().map(|row| row.id).collect()).await?;
        }
        *engine.leftovers.lock() = kept;
        return Ok(());
    }
    let mut table = engine.table.lock();
    for row in rows {
        let mut entry = Entry::from_row(row);
        advance(&mut entry, Step::Recover);
        if let Phase::Waiting { until, attempt, .. } = &entry.phase {
            // A clock that was set back since must not turn minutes into months.
            entry.due = Some(Instant::now() + until.remaining_from(now).min(LONGEST_WAIT));
            entry.attempts = *attempt;
        }
        table.insert(entry);
    }
    Ok(())
}
