//! Gives queued jobs a place. There is a cap on running jobs, over all and for each server, priority first, then the
//! order of the list.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use ropeway_flow::{
    meter::Meter,
    throttle::{Bucket, Throttle},
};
use ropeway_model::{Direction, Retry, Step, Transfer};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    attempt::{Attempt, Finished, Stop, defect},
    core::Core,
    download,
    hosts::{HostKey, HostSession},
    table::{Active, advance},
    upload,
};

/// While a job waits for a time of day, the wall clock, which may be set, is looked at this often.
const CLOCK_LOOKED_AT: Duration = Duration::from_secs(30);

/// Starts jobs until the engine stops. Woken by whatever may free a place or fill the queue.
pub(crate) async fn run(engine: Arc<Core>) {
    loop {
        while let Some(attempt) = next(&engine) {
            engine.tasks.spawn(self::attempt(attempt));
        }
        let due = next_moment(&engine);
        tokio::select! {
            biased;
            () = engine.wake.notified() => {}
            () = engine.stopping.cancelled() => return,
            // While all places are taken or nothing may start, a due job waits for that to end: sleeping until a moment
            // that has passed would spin.
            () = sleep_until(due), if !engine.is_full() && !engine.pauses() => {}
        }
    }
}

/// The next moment at which time alone makes a difference: a try becomes due, a start comes, a server has rested.
fn next_moment(engine: &Core) -> Option<Instant> {
    let (due, start, has_queued) = {
        let table = engine.table.lock();
        (table.next_due(), table.next_start(), table.has_queued())
    };
    let now = Instant::now();
    let start = start.map(|start| now + start.remaining_from(engine.clock.now()).min(CLOCK_LOOKED_AT));
    let rest = has_queued.then(|| engine.hosts.next_rest_end()).flatten();
    [due, start, rest].into_iter().flatten().min()
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Gives the next job a place, if one is free.
fn next(engine: &Arc<Core>) -> Option<Attempt> {
    if engine.stopping.is_cancelled() || engine.pauses() || engine.is_full() {
        return None;
    }
    let mut table = engine.table.lock();
    table.promote(Instant::now(), engine.clock.now());
    let id = table.next_to_start(|host, running| engine.hosts.turn(host, running))?;
    let cancel = engine.stopping.child_token();
    let host = table.get(id).map(|entry| table.server_of(entry).to_owned())?;
    let attempt = table.update(id, |entry| {
        advance(entry, Step::Start);
        entry.state.due = None;
        let spec = Arc::new(entry.spec());
        let bucket = Arc::new(Bucket::new(spec.rate_limit));
        let all = match spec.direction() {
            Direction::Download => &engine.downloads,
            Direction::Upload => &engine.uploads,
        };
        let throttle = Throttle::new(Arc::clone(&bucket), engine.server_bucket(&host), Arc::clone(all));
        let host = HostKey::new(&host);
        let is_probe = engine.hosts.start(&host);
        let meter = Meter::default();
        entry.active = Some(Box::new(Active {
            cancel: CancellationToken::clone(&cancel),
            bucket,
            meter,
            rate: 0,
            has_room: false,
        }));
        Attempt {
            engine: Arc::clone(engine),
            id,
            spec,
            progress: Arc::clone(entry.counters()),
            cookies: Arc::clone(entry.state.cookies.get_or_insert_default()),
            throttle,
            cancel,
            host_session: HostSession::new(engine.hosts.clone(), host, id, is_probe),
        }
    });
    drop(table);
    engine.started.notify_one();
    engine.changed.notify_one();
    attempt
}

/// Runs one try of a job that the scheduler gave a place to, and settles how it ended, also where a defect of ours ends it.
async fn attempt(attempt: Attempt) {
    let mark = || match attempt.spec.direction() {
        Direction::Download => attempt.progress.durable(),
        Direction::Upload => attempt.progress.reached(),
    };
    let before = mark();
    let outcome = AssertUnwindSafe(carry(&attempt)).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|_| Err(Stop::Failed { failure: defect(), retry: Retry::Never, at: None }));
    let progressed = mark() > before;
    attempt.progress.set_claims(None);
    attempt.settle(outcome, progressed).await;
}

async fn carry(attempt: &Attempt) -> Result<Finished, Stop> {
    attempt.connect().await?;
    match &attempt.spec.transfer {
        Transfer::Download { .. } => download::run(attempt).await,
        // Apart: a download would take the room of both.
        Transfer::Upload { .. } => Box::pin(upload::run(attempt)).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of what `work` returns.
    const fn room<'a, F>(_: &impl Fn(&'a Attempt) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_try_at_a_small_file_takes_little_room() {
        // It is made, moved and freed for each of thousands of files.
        let (whole, download, upload) = (room(&carry), room(&download::run), room(&upload::run));
        assert!(whole <= 6 << 10, "{whole}, of which {download} are the download's; an upload takes {upload}");
    }
}
