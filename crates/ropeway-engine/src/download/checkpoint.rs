//! What is durably on disk: first the bytes, then the row that claims them. A crash may forget bytes, never invent them.

use std::{sync::Arc, time::Duration};

use ropeway_model::FailureCode;

use crate::{
    attempt::{Attempt, Stop},
    claims::Claims,
    disk::PartFile,
};

/// Bytes are at risk of being fetched again for at most this long.
pub(super) const WINDOW: Duration = Duration::from_secs(2);

/// Syncs the part file, then commits which bytes it holds.
pub(super) async fn save(attempt: &Attempt, claims: &Claims, part: &Arc<dyn PartFile>) -> Result<(), Stop> {
    // Taken before the sync: what is written while the sync runs may not be covered by it.
    let map = claims.coalesced();
    let written = map.written();
    if written == attempt.progress.durable() {
        return Ok(());
    }
    sync(attempt, part).await?;
    let mut change = attempt.change(None);
    change.segments = Some(Some(map));
    change.durable = Some(written);
    attempt.save(change).await?;
    attempt.progress.set_durable(written);
    Ok(())
}

/// Makes what was written durable, on a thread that may block.
pub(super) async fn sync(attempt: &Attempt, part: &Arc<dyn PartFile>) -> Result<(), Stop> {
    let part = Arc::clone(part);
    let synced = attempt.engine.blocking.start(move || part.sync_data()).await;
    synced.map_err(|panic| Stop::failed(FailureCode::Internal, panic.to_string()))?.map_err(Stop::from)
}
