//! Numbers what changes and hands it to every subscriber: phase changes at once, progress sampled.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use ropeway_engine::{Engine, ProgressSnapshot};
use ropeway_model::{Direction, JobId};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::{
    convert,
    event::{Batch, Event},
    view::{LimitsView, PauseView, Totals},
};

/// Progress is sampled this often: fast enough to flow, slow enough to cost nothing.
const SAMPLE: Duration = Duration::from_millis(200);
/// Changes within this time share a batch: adding a thousand jobs is one event, not a thousand.
const GATHER: Duration = Duration::from_millis(15);
/// Jobs that one batch tells of at most. Where more have changed, a number is left out: the subscribers see the gap and
/// ask for a snapshot, which is written row by row and never in memory as a whole.
const MOST_TOLD: usize = 2000;
/// Batches kept for a subscriber that is late; behind that it loses some and starts again from a snapshot.
const BACKLOG: usize = 256;

/// The source of all batches.
#[derive(Debug)]
pub(crate) struct Publisher {
    engine: Engine,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    seq: u64,
    sender: Option<broadcast::Sender<Arc<Batch>>>,
    /// What subscribers last heard of each running job.
    told: HashMap<JobId, ProgressSnapshot>,
    totals: Totals,
}

impl Publisher {
    pub(crate) fn new(engine: Engine) -> Self {
        let state = State {
            seq: 0,
            sender: Some(broadcast::channel(BACKLOG).0),
            told: HashMap::new(),
            totals: Totals::default(),
        };
        Self { engine, state: Mutex::new(state) }
    }

    /// Publishes until the engine stops.
    pub(crate) async fn run(self: Arc<Self>, stopping: CancellationToken) {
        let mut samples = tokio::time::interval(SAMPLE);
        samples.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.engine.changed() => {
                    self.gather().await;
                    self.publish_changes();
                }
                _ = samples.tick() => self.publish_progress(),
            }
        }
    }

    /// Waits for more changes; not where none can come, so that the end of the last job is told at once.
    async fn gather(&self) {
        if self.engine.counts() != (0, 0) {
            // Not woken by each of the changes: thousands of small files are one every tenth of a millisecond.
            tokio::select! {
                () = tokio::time::sleep(GATHER) => {}
                () = self.engine.idle() => {}
            }
        }
    }

    /// Everything as of one moment, with the number of the last batch before it.
    pub(crate) fn consistent<R>(&self, look: impl FnOnce(u64, &Totals) -> R) -> R {
        let state = self.state.lock();
        look(state.seq, &state.totals)
    }

    pub(crate) fn publish(&self, events: Vec<Event>) {
        self.state.lock().send(events);
    }

    pub(crate) fn subscribe(&self) -> Subscription {
        let state = self.state.lock();
        Subscription { receiver: state.sender.as_ref().map(broadcast::Sender::subscribe), told: state.seq }
    }

    /// Publishes what is left and ends every subscription.
    pub(crate) fn close(&self) {
        self.publish_changes();
        self.state.lock().sender = None;
    }

    fn publish_changes(&self) {
        let mut state = self.state.lock();
        if !state.is_heard() {
            if self.engine.changes() > 0 {
                // Whoever took a snapshot before and listens later misses this, and must see that it does.
                state.seq += 1;
            }
            return self.engine.forget_changes();
        }
        if self.engine.changes() > MOST_TOLD {
            self.engine.forget_changes();
            return state.skip();
        }
        // Under the lock, so that no snapshot can fall between taking the changes and numbering them.
        let changes = self.engine.take_changes();
        let mut events = Vec::new();
        if !changes.jobs.is_empty() {
            events.push(Event::Jobs { jobs: changes.jobs.iter().map(convert::job).collect() });
        }
        if !changes.removed.is_empty() {
            events.push(Event::Removed { ids: changes.removed.iter().map(|id| id.row()).collect() });
        }
        state.send(events);
    }

    fn publish_progress(&self) {
        let measured = self.engine.measure();
        let (active, waiting) = self.engine.counts();
        let pause = self.engine.pause_of_all().map(PauseView::from);
        let limits = self.engine.limits_in_force().into();
        let totals = Totals { pause, limits, ..totals(&measured, active, waiting) };
        let mut state = self.state.lock();
        let jobs: Vec<_> = measured
            .iter()
            .filter(|progress| state.told.get(&progress.id) != Some(progress))
            .map(convert::progress)
            .collect();
        state.told = measured.into_iter().map(|progress| (progress.id, progress)).collect();
        if !jobs.is_empty() || totals != state.totals {
            state.totals = totals.clone();
            state.send(vec![Event::Progress { jobs, totals }]);
        }
    }
}

impl State {
    fn is_heard(&self) -> bool {
        self.sender.as_ref().is_some_and(|sender| sender.receiver_count() > 0)
    }

    /// Leaves a number out.
    fn skip(&mut self) {
        self.seq += 1;
        let totals = self.totals.clone();
        self.send(vec![Event::Progress { jobs: Vec::new(), totals }]);
    }

    fn send(&mut self, events: Vec<Event>) {
        if let (false, Some(sender)) = (events.is_empty(), &self.sender) {
            self.seq += 1;
            // Nobody listening is no error.
            drop(sender.send(Arc::new(Batch { seq: self.seq, events })));
        }
    }
}

fn totals(measured: &[ProgressSnapshot], active: usize, waiting: usize) -> Totals {
    let rate = |direction: Direction| {
        measured.iter().filter(|progress| progress.direction == direction).map(|progress| progress.rate).sum()
    };
    let lengths: Option<u64> = measured.iter().map(|progress| progress.length).sum();
    let moved: u64 = measured.iter().map(|progress| progress.moved).sum();
    #[expect(clippy::cast_precision_loss, reason = "a fraction for a progress bar")]
    let fraction = lengths.filter(|length| *length > 0).map(|length| (moved as f64 / length as f64).min(1.0));
    Totals {
        download_rate: rate(Direction::Download),
        upload_rate: rate(Direction::Upload),
        active: u32::try_from(active).unwrap_or(u32::MAX),
        waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
        fraction,
        pause: None,
        limits: LimitsView::default(),
    }
}

/// News of a subscriber that keeps no count of batches itself.
#[derive(Clone, Debug)]
pub enum News {
    /// The batch behind the one before.
    Batch(Batch),
    /// Something was left out: what is known is stale, a snapshot is due.
    Gap,
}

/// A stream of batches.
#[derive(Debug)]
pub struct Subscription {
    receiver: Option<broadcast::Receiver<Arc<Batch>>>,
    /// Number of the last batch that needs not be told: the first one that comes may already be behind a gap.
    told: u64,
}

impl Subscription {
    /// The next batch, or that one is missing before it; `None` once the engine has shut down.
    pub async fn news(&mut self) -> Option<News> {
        let told = self.told;
        let batch = self.next().await?;
        Some(if batch.seq <= told + 1 { News::Batch(batch) } else { News::Gap })
    }

    /// The next batch; `None` once the engine has shut down.
    pub async fn next(&mut self) -> Option<Batch> {
        let receiver = self.receiver.as_mut()?;
        loop {
            match receiver.recv().await {
                Ok(batch) => {
                    self.told = batch.seq;
                    return Some(Arc::unwrap_or_clone(batch));
                }
                // The gap in the numbers tells the subscriber.
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ropeway_model::JobId;

    use super::*;

    #[test]
    fn all_that_runs_is_told_as_one_share_where_every_length_is_known() {
        use Direction::{Download, Upload};
        for (jobs, rates, fraction) in [
            (&[][..], (0, 0), None),
            (&[(Download, Some(100), 25, 5), (Upload, Some(300), 75, 7)], (5, 7), Some(0.25)),
            (&[(Download, Some(100), 25, 5), (Download, None, 75, 7)], (12, 0), None),
            (&[(Download, Some(0), 0, 0)], (0, 0), None),
            (&[(Upload, Some(10), 20, 1)], (0, 1), Some(1.0)),
        ] {
            let measured: Vec<_> = jobs
                .iter()
                .map(|(direction, length, moved, rate)| ProgressSnapshot {
                    id: JobId::from_row(1),
                    direction: *direction,
                    length: *length,
                    moved: *moved,
                    durable: 0,
                    wasted: 0,
                    rate: *rate,
                    connections: 1,
                })
                .collect();
            let totals = totals(&measured, 2, 3);
            assert_eq!(((totals.download_rate, totals.upload_rate), totals.fraction), (rates, fraction), "{jobs:?}");
            assert_eq!((totals.active, totals.waiting), (2, 3));
        }
    }
}
