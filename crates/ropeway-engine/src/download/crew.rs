//! The workers of one download: how many, what their failures mean, and the checkpoints beside them.

use std::sync::Arc;

use ropeway_drivers::{ByteStream, DriverError};
use ropeway_model::{Retry, Validation};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};

use super::{
    checkpoint,
    source::Halt,
    worker::{self, Job, Trouble},
};
use crate::{
    attempt::{Attempt, Stop},
    retry,
};

/// Workers and how many there may be.
struct Crew<'a> {
    attempt: &'a Attempt,
    job: &'a Arc<Job>,
    workers: JoinSet<Result<(), (u64, Trouble)>>,
    /// Workers that may run now.
    allowed: usize,
    /// Workers that may run once the server has shown that it serves ranges.
    wanted: usize,
    /// Failures of single workers in a row.
    failures: u32,
    /// When a worker that failed is replaced.
    replaced_at: Option<Instant>,
    last_trouble: Option<Trouble>,
    /// Whether bytes of an earlier try are being continued and no answer has been compared with them yet.
    is_resumed: bool,
}

/// Fetches until every byte is here. `first` is the body of the first request, from byte 0.
pub(super) async fn run(
    attempt: &Attempt,
    job: &Arc<Job>,
    first: Option<ByteStream>,
    connections: usize,
) -> Result<(), Halt> {
    // One request for a range tells whether the server serves ranges; the others follow its answer.
    let allowed = connections.min(if first.is_some() { 2 } else { 1 });
    let mut crew = Crew {
        attempt,
        job,
        workers: JoinSet::new(),
        allowed,
        wanted: connections,
        failures: 0,
        replaced_at: None,
        last_trouble: None,
        is_resumed: first.is_none(),
    };
    if let Some(body) = first
        && let Some(segment) = job.claims.claim(false)
    {
        crew.workers.spawn(worker::run(Arc::clone(job), segment, Some(body)));
    }
    crew.work().await
}

impl Crew<'_> {
    async fn work(&mut self) -> Result<(), Halt> {
        let mut checkpoints = tokio::time::interval_at(Instant::now() + checkpoint::WINDOW, checkpoint::WINDOW);
        checkpoints.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.hire();
            if self.workers.is_empty() && self.replaced_at.is_none() {
                return self.outcome();
            }
            tokio::select! {
                biased;
                () = self.attempt.cancel.cancelled() => {
                    self.workers.shutdown().await;
                    return Err(Stop::Wished.into());
                }
                Some(ended) = self.workers.join_next() => match ended {
                    Ok(Ok(())) => {}
                    Ok(Err((segment, trouble))) => self.lose(segment, trouble).await?,
                    Err(panic) => return Err(Stop::failed(ropeway_model::FailureCode::Internal, panic.to_string()).into()),
                },
                () = self.job.opened.notified() => self.opened(),
                () = sleep_until(self.replaced_at) => {
                    self.replaced_at = None;
                    self.allowed = (self.allowed + 1).min(self.wanted);
                }
                _ = checkpoints.tick() => checkpoint::save(self.attempt, &self.job.claims, &self.job.part).await?,
            }
        }
    }

    /// Starts workers while there is work and room for them.
    fn hire(&mut self) {
        while self.workers.len() < self.allowed {
            let Some(segment) = self.job.claims.claim(self.job.may_split) else { return };
            self.workers.spawn(worker::run(Arc::clone(self.job), segment, None));
        }
    }

    /// The server serves ranges: all wanted workers may come.
    fn opened(&mut self) {
        if self.failures == 0 {
            self.allowed = self.wanted;
        }
        let verdict = self.job.verdict.lock().take();
        if self.is_resumed && verdict.is_some() {
            self.is_resumed = false;
            self.attempt.update(|entry| entry.validation = verdict);
            let mut change = self.attempt.change(Some(format!("resumed: {verdict:?}")));
            change.validation = verdict;
            self.attempt.engine.journal.note(change);
        }
    }

    /// A worker ended before its segment did.
    async fn lose(&mut self, segment: u64, trouble: Trouble) -> Result<(), Halt> {
        tracing::debug!(job = %self.attempt.id, segment, ?trouble, "worker ended");
        match trouble {
            Trouble::Driver(DriverError::Canceled) => {}
            Trouble::Driver(error @ DriverError::RangeIgnored { .. }) => {
                self.allowed = 1;
                self.wanted = 1;
                if !self.job.claims.give_back(segment) {
                    return self.restart(error.to_string(), true).await;
                }
                self.attempt.log(format!("one connection only: {error}"));
            }
            Trouble::Driver(error @ (DriverError::RemoteChanged { .. } | DriverError::RangeUnsatisfiable { .. })) => {
                self.attempt.update(|entry| entry.validation = Some(Validation::Changed));
                return self.restart(error.to_string(), false).await;
            }
            Trouble::Disk(error) => {
                self.workers.shutdown().await;
                return Err(error.into());
            }
            other => {
                self.failures += 1;
                self.allowed = self.workers.len();
                let wait = retry::delay(
                    Retry::Backoff,
                    self.failures,
                    retry::MOST_ATTEMPTS,
                    self.attempt.engine.chance.uniform(),
                );
                // Alone it cannot be replaced: then the whole try ends and waits its turn.
                self.replaced_at = wait.filter(|_| !self.workers.is_empty()).map(|wait| Instant::now() + wait);
                self.last_trouble = Some(other);
            }
        }
        Ok(())
    }

    async fn restart(&mut self, reason: String, one_stream: bool) -> Result<(), Halt> {
        self.workers.shutdown().await;
        Err(Halt::Restart { reason, one_stream })
    }

    /// What it means that no worker is left.
    fn outcome(&mut self) -> Result<(), Halt> {
        if self.job.claims.is_complete() {
            return Ok(());
        }
        let trouble = self.last_trouble.take().unwrap_or(Trouble::Short);
        Err(trouble.into_stop(&self.job.url).into())
    }
}

async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending::<()>().await,
    }
}
