//! Soft checkpoints of a download under way, five a second.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use parking_lot::Mutex;
use ropeway_flow::{
    blocking::Blocking,
    disk::{DiskError, PartFile, SoftFiles},
};
use ropeway_model::{JobId, SegmentMap};
use tokio::time::{Instant, MissedTickBehavior};

use super::super::worker::SharedDownload;
use crate::{attempt::Attempt, soft::SoftCheckpoint};

/// A kill costs what came in this time, and a moment.
const PERIOD: Duration = Duration::from_millis(200);
/// Time within which a file is fetched again so soon that a record is not worth it.
const SHORT: Duration = Duration::from_secs(1);

/// Soft checkpoints of one download.
#[derive(Clone, Debug)]
pub(in super::super) struct SoftLog(Option<Arc<Log>>);

#[derive(Debug)]
struct Log {
    files: Arc<dyn SoftFiles>,
    blocking: Blocking,
    id: JobId,
    part: Arc<dyn PartFile>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Generation of the last checkpoint; `None` before the first.
    generation: Option<u64>,
    /// Bytes that it claims.
    written: u64,
    /// Nothing is recorded any more, whoever is about to.
    is_closed: bool,
}

impl SoftLog {
    /// A log of what is written into `part`.
    pub(in super::super) fn new(attempt: &Attempt, part: &Arc<dyn PartFile>) -> Self {
        let log = |files| Log {
            files,
            blocking: attempt.engine.blocking.clone(),
            id: attempt.id,
            part: Arc::clone(part),
            state: Mutex::default(),
        };
        Self(attempt.engine.soft.clone().map(|files| Arc::new(log(files))))
    }

    /// Records what is written during `work`, and once more behind it. A download that never began before and is over at
    /// once leaves no record.
    pub(in super::super) async fn beside<T>(
        &self,
        job: &SharedDownload,
        had_begun: bool,
        work: impl Future<Output = T>,
    ) -> T {
        let Some(log) = &self.0 else { return work.await };
        let mut work = pin!(work);
        let mut is_worth = had_begun;
        let ended = {
            let mut recording = pin!(log.record_all(job, &mut is_worth));
            tokio::select! {
                biased;
                ended = &mut work => ended,
                never = &mut recording => match never {},
            }
        };
        if is_worth {
            log.record(job).await;
        }
        // A write that is late on its thread finds the log closed.
        log.state.lock().is_closed = true;
        ended
    }

    /// Removes the checkpoint, and lets no other follow. The store has its bytes, or nobody has.
    pub(in super::super) async fn close(&self) {
        let Some(log) = self.0.clone() else { return };
        let blocking = log.blocking.clone();
        // A panic there was told by the thread.
        drop(blocking.start_brief(move || log.close()).await);
    }

    /// Removes it from a thread that may block.
    pub(in super::super) fn close_here(&self) {
        if let Some(log) = &self.0 {
            log.close();
        }
    }
}

impl Log {
    /// Records what is written, for ever.
    async fn record_all(self: &Arc<Self>, job: &SharedDownload, is_worth: &mut bool) -> Infallible {
        let (began, had) = (Instant::now(), job.progress.moved());
        let mut ticks = tokio::time::interval_at(began + PERIOD, PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            *is_worth |= !is_short(began.elapsed(), job.progress.moved().saturating_sub(had), job.progress.length());
            if *is_worth {
                self.record(job).await;
            }
        }
    }

    /// Records what is written now. Nothing depends on it: a failure costs bytes, and only after a kill.
    async fn record(self: &Arc<Self>, job: &SharedDownload) {
        // Of what is in the map the writes have returned.
        let map = job.in_place();
        if map.written() <= job.progress.durable() {
            return;
        }
        let log = Arc::clone(self);
        let recorded = self.blocking.start_brief(move || log.write(&map)).await;
        if let Ok(Err(error)) = recorded {
            tracing::debug!(job = %self.id, %error, "no soft checkpoint");
        }
    }

    fn write(&self, map: &SegmentMap) -> Result<(), DiskError> {
        let mut state = self.state.lock();
        if state.is_closed || map.written() <= state.written {
            return Ok(());
        }
        let generation = match state.generation {
            Some(generation) => generation,
            None => SoftCheckpoint::latest(&self.files.read(self.id)?).map_or(0, |(generation, _)| generation),
        };
        let inode = self.part.stamp()?.inode;
        let next = SoftCheckpoint { boot: self.files.boot(), inode, written: map.written_ranges() };
        let (bytes, offset) = next.encode(generation + 1);
        self.files.write(self.id, &bytes, offset)?;
        (state.generation, state.written) = (Some(generation + 1), map.written());
        Ok(())
    }

    fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        if let Err(error) = self.files.remove(self.id) {
            tracing::warn!(job = %self.id, %error, "soft checkpoint not removed");
        }
    }
}

/// `true` for a download that is over within [`SHORT`] at the speed of its first `moved` bytes.
fn is_short(elapsed: Duration, moved: u64, length: Option<u64>) -> bool {
    let Some(length) = length else { return false };
    let whole = elapsed.as_micros() * u128::from(length);
    elapsed < SHORT && whole < SHORT.as_micros() * u128::from(moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_here_within_a_second_is_not_recorded() {
        for (milliseconds, moved, length, expected) in [
            (200, 30, Some(100), true),
            (200, 20, Some(100), false),
            (200, 5, Some(100), false),
            (900, 99, Some(100), true),
            (1000, 99, Some(100), false),
            (200, 0, Some(100), false),
            (200, 50, None, false),
        ] {
            let elapsed = Duration::from_millis(milliseconds);
            assert_eq!(is_short(elapsed, moved, length), expected, "{moved} of {length:?} in {elapsed:?}");
        }
    }
}
