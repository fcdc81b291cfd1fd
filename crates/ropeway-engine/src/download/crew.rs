//! Workers of one download. Their number, the meaning of their failures and the checkpoints beside them are decided
//! here.

use std::{
    collections::BTreeMap,
    pin::{Pin, pin},
    sync::Arc,
};

use futures_util::future::{Fuse, FusedFuture as _, FutureExt as _};
use ropeway_drivers::{ByteStream, DriverError};
use ropeway_flow::throttle::{self, Limit};
use ropeway_model::{FailureCode, Retry, Validation};
use tokio::{
    task::JoinSet,
    time::{Instant, Interval, MissedTickBehavior},
};

use super::{
    bandwidth_probe::{BandwidthProbe, SAMPLE_PERIOD},
    checkpoint,
    growth::{Flow, Look},
    judge::{self, Fault},
    ramp::Ramp,
    slots::{Connection, HostSlot},
    source::{FetchExit, RestartReason},
    worker::{self, SharedDownload},
    worker_error::{self, WorkerError, WorkerExit},
};
use crate::{
    attempt::{Attempt, Stop},
    claims::{Pace, Standing},
    hosts::{HostKey, Outcome, Permit},
    plan::{self, Plan},
    retry,
};

/// Beginning of a crew.
pub(super) struct Start {
    /// The body of the first request, from byte 0.
    pub(super) body: Option<ByteStream>,
    pub(super) plan: Plan,
    /// Bytes that are missing.
    pub(super) missing: u64,
    /// True where the first answer said that ranges are served.
    pub(super) offers_ranges: bool,
}

/// Workers and how many there may be.
struct Crew<'a> {
    attempt: &'a Attempt,
    job: &'a Arc<SharedDownload>,
    workers: JoinSet<Result<(), WorkerExit>>,
    ramp: Ramp,
    limit: throttle::Watch,
    began: Instant,
    /// When the next window of the growth is over.
    window_ends: Instant,
    /// Workers that were sent away for a fresh connection.
    replaced: u32,
    last_error: Option<WorkerError>,
    /// Whether bytes of an earlier try are being continued and no answer has been compared with them yet.
    is_resumed: bool,
    /// What was told of how surely all answers are of one version.
    told: Option<Validation>,
}

/// Fetches until every byte is here.
pub(super) async fn run(attempt: &Attempt, job: &Arc<SharedDownload>, start: Start) -> Result<(), FetchExit> {
    let (began, moved) = (Instant::now(), job.progress.moved());
    let probe = BandwidthProbe::new(job.range_support.last_answer(), began, moved);
    let known = job.servers.profile(&job.server);
    let Start { body, plan, missing, offers_ranges } = start;
    let mut crew = Crew {
        attempt,
        job,
        workers: JoinSet::new(),
        // One request for a range tells whether the server serves ranges; the others follow its answer.
        ramp: Ramp::new(missing, plan, known.worth, body.is_some(), probe),
        limit: throttle::Watch::new(&job.throttle),
        began,
        window_ends: began + Ramp::period(job.range_support.way()),
        replaced: 0,
        last_error: None,
        is_resumed: body.is_none(),
        told: attempt.look(|entry| entry.state.validation)?,
    };
    job.slots.allow(crew.allowed_connections());
    if let Some(body) = body {
        crew.hire_one(Some(body));
        if offers_ranges {
            crew.look(|ramp, look| ramp.served(began, look));
        }
    }
    // Beside the workers' affairs: a slow disk must not keep an idle connection waiting.
    let mut saving = pin!(Fuse::terminated());
    let result = crew.work(saving.as_mut(), || checkpoint::save(attempt, job, checkpoint::Moment::Running)).await;
    // However it ended: from here on nobody writes to the part file, or syncs it, which the next try locks.
    crew.workers.shutdown().await;
    if result.is_err() && !saving.is_terminated() {
        // What went wrong first is told.
        drop(saving.await);
    }
    if !job.throttle.is_limited() {
        let bytes = job.progress.moved().saturating_sub(moved);
        job.servers.report(&job.server, Outcome::Moved { bytes, elapsed: began.elapsed() });
        if let Some(worth) = crew.ramp.growth().worth() {
            job.servers.learn(&job.server, worth);
        }
    }
    result
}

impl Crew<'_> {
    /// Works until the file is here or something ends it. `save` makes a checkpoint, which is `saving` while it is made.
    async fn work<F: Future<Output = Result<(), Stop>>>(
        &mut self,
        mut saving: Pin<&mut Fuse<F>>,
        save: impl Fn() -> F,
    ) -> Result<(), FetchExit> {
        let mut checkpoints = checkpoint::moments(self.job);
        let mut reviews = every(plan::REVIEW);
        let mut samples = every(SAMPLE_PERIOD);
        let mut ends = every(plan::IDLE_REVIEW);
        let (attempt, job) = (self.attempt, self.job);
        loop {
            self.hire();
            if self.workers.is_empty() && (job.claims.is_complete() || !self.ramp.is_waiting()) {
                return self.outcome();
            }
            tokio::select! {
                biased;
                () = attempt.cancel.cancelled() => {
                    self.workers.shutdown().await;
                    return Err(Stop::Interrupted.into());
                }
                Some(ended) = self.workers.join_next() => match ended {
                    Ok(Ok(())) => {}
                    Ok(Err(exit)) => self.on_worker_exit(exit).await?,
                    Err(panic) => return Err(Stop::failed(FailureCode::Internal, panic.to_string()).into()),
                },
                () = job.opened.notified() => self.opened(),
                saved = &mut saving, if !saving.is_terminated() => saved?,
                _ = checkpoints.tick(), if saving.is_terminated() => {
                    saving.set(save().fuse());
                }
                _ = samples.tick(), if self.ramp.is_sampling() => {
                    self.look(|ramp, look| ramp.sample(Instant::now(), look));
                }
                () = tokio::time::sleep_until(self.window_ends), if job.may_split => self.window(),
                _ = reviews.tick() => self.review(),
                // Hires anew.
                _ = ends.tick(), if self.is_idle() => {}
            }
        }
    }

    /// Whether connections that had work have none.
    fn is_idle(&self) -> bool {
        self.job.may_split && self.job.range_support.serves_ranges() && self.workers.len() < self.allowed_connections()
    }

    /// How many connections the job may have now.
    fn allowed_connections(&self) -> usize {
        self.ramp.allowed()
    }

    /// Starts workers while there is work and room for them.
    fn hire(&mut self) {
        let allowed = self.allowed_connections();
        self.job.slots.allow(allowed);
        while self.workers.len() < allowed && self.hire_one(None) {}
    }

    /// Starts a worker, if the server bears one more and there is memory and work for it. A job's only worker waits for
    /// neither: its place at the server is the job's. With a `body`, that is the file from byte 0.
    fn hire_one(&mut self, body: Option<ByteStream>) -> bool {
        let is_only = self.workers.is_empty();
        let permit = self.permit(body.is_some());
        if permit.is_none() && !is_only {
            return false;
        }
        let Some(lease) = self.attempt.engine.buffers.lease(is_only) else { return false };
        let Some(claim) = self.job.claim(None) else { return false };
        let server = permit.as_ref().map_or(&self.job.server, Permit::key).clone();
        let connection = Connection {
            slot: self.job.slots.take(),
            lease,
            host_slot: HostSlot::new(server, permit),
            connected: None,
        };
        self.workers.spawn(worker::run(Arc::clone(self.job), connection, claim, body));
        true
    }

    /// The right to one more connection, to any of the file's servers; one that `has_answered` is the lead.
    fn permit(&self, has_answered: bool) -> Option<Permit> {
        let servers = &self.job.servers;
        let lead =
            self.attempt.host_session.first_permit(&self.job.server).or_else(|| servers.try_permit(&self.job.server));
        if lead.is_some() || has_answered {
            return lead;
        }
        let others = self.job.mirrors.places();
        others.iter().map(HostKey::of).filter(|key| *key != self.job.server).find_map(|key| servers.try_permit(&key))
    }

    /// A request for a range was answered with it: where the others were, too, more may come.
    fn opened(&mut self) {
        let standings = self.job.claims.standings();
        let waiting = standings.iter().filter(|standing| !standing.is_answered).count();
        // One of many that is not answered is its own trouble.
        if waiting * 4 <= standings.len() {
            self.look(|ramp, look| ramp.served(Instant::now(), look));
        }
        self.attempt.host_session.serve(&self.job.server);
        if self.job.range_support.serves_ranges()
            && self.attempt.look(|entry| entry.state.is_made_anew).unwrap_or(false)
        {
            self.attempt.update(|entry| entry.state.is_made_anew = false);
        }
        let verdict = self.job.verdict.lock().take();
        // Within a try it is news only where answers do not say of themselves which version they are of.
        let is_news = |verdict: &Validation| match verdict {
            Validation::Overlap => self.told.is_none(),
            Validation::Unverifiable => !matches!(self.told, Some(Validation::Unverifiable | Validation::Changed)),
            Validation::StrongTag | Validation::LengthAndDate | Validation::Changed => false,
        };
        if let Some(verdict) = verdict.filter(|verdict| self.is_resumed || is_news(verdict)) {
            self.is_resumed = false;
            self.told = Some(verdict);
            self.attempt.update(|entry| entry.state.validation = Some(verdict));
            let mut change = self.attempt.change(Some(format!("goes on: {verdict}")));
            change.validation = Some(verdict);
            self.attempt.engine.journal.note(change);
        }
    }

    /// Shows the ramp what its connections bring.
    fn look<R>(&mut self, see: impl FnOnce(&mut Ramp, Look<'_>) -> R) -> R {
        let began = self.began;
        let flow = |standing: &Standing| Flow {
            connection: standing.connection,
            bytes: standing.haul.0,
            reads: standing.haul.1,
            answered: standing.answered.map(|(at, (bytes, reads))| (at.duration_since(began), bytes, reads)),
        };
        let mut flows: Vec<Flow> = self.job.claims.standings().iter().map(flow).collect();
        // A connection between two segments may still be at the old one.
        flows.sort_unstable_by_key(|flow| flow.connection);
        flows.dedup_by_key(|flow| flow.connection);
        let progress = &self.job.progress;
        let (moved, way) = (progress.moved(), self.job.range_support.way());
        let left = progress.length().unwrap_or(moved).saturating_sub(moved);
        see(&mut self.ramp, Look { now: began.elapsed(), left, moved, way, flows: &flows })
    }

    /// A window of the growth is over: more connections come, or some go, and all know what a connection brings.
    fn window(&mut self) {
        let now = Instant::now();
        let way = self.job.range_support.way();
        self.window_ends = now + Ramp::period(way);
        let is_limited = self.job.throttle.is_limited();
        let had = self.ramp.allowed();
        let go = self.look(|ramp, look| ramp.window(now, look, is_limited));
        let growth = self.ramp.growth();
        self.job.range_support.set_cold(growth.cold(way));
        let paces: BTreeMap<u64, Pace> =
            growth.paces().map(|(connection, rate, is_flat)| (connection, Pace { rate, is_flat })).collect();
        self.job.claims.appraise(paces, growth.usual());
        if go.is_empty() {
            return;
        }
        tracing::debug!(job = %self.attempt.id, had, allowed = self.ramp.allowed(), gone = go.len(), "fewer connections");
        self.job.slots.allow(self.allowed_connections());
        self.job.claims.cancel_connections(&go);
        if self.ramp.is_borne() {
            self.job.servers.leaves_waiting(&self.job.server, go.len());
        }
    }

    /// Looks at how the workers are doing: whether more would do better, and whether one is worse than a fresh one.
    fn review(&mut self) {
        let limit = self.limit.look(&self.job.throttle);
        self.look(|ramp, look| ramp.tick(Instant::now(), look, limit));
        if !self.job.may_split || !self.job.range_support.serves_ranges() {
            return;
        }
        if self.workers.len() > 1 && self.job.servers.is_awaited(&self.job.server) {
            return self.give_way();
        }
        let Some((worker, fault)) = judge::judge(&self.job.claims.standings(), self.replaced, limit != Limit::No)
        else {
            return;
        };
        // What it asked for is asked for again.
        if !self.job.servers.may_repeat(&self.job.server) {
            return;
        }
        tracing::debug!(job = %self.attempt.id, worker, ?fault, "worker replaced");
        self.replaced += 1;
        if fault == Fault::Unanswered {
            self.ramp.lower(self.workers.len(), Instant::now());
            self.job.slots.allow(self.allowed_connections());
        }
        self.job.claims.cancel(worker);
    }

    /// Another job waits for its first connection to the server: the slowest of several goes.
    fn give_way(&mut self) {
        self.ramp.give_way(self.workers.len(), Instant::now());
        self.job.slots.allow(self.allowed_connections());
        let standings = self.job.claims.standings();
        let slowest =
            standings.iter().min_by(|one, other| one.rate.unwrap_or(0.0).total_cmp(&other.rate.unwrap_or(0.0)));
        if let Some(slowest) = slowest {
            tracing::debug!(job = %self.attempt.id, worker = slowest.worker, "a connection given up for another job");
            self.job.claims.cancel(slowest.worker);
        }
    }

    /// A worker ended before its segment did.
    async fn on_worker_exit(&mut self, exit: WorkerExit) -> Result<(), FetchExit> {
        tracing::debug!(job = %self.attempt.id, ?exit, "worker ended");
        match exit.error {
            WorkerError::Driver(DriverError::Canceled) => {}
            WorkerError::Driver(error @ DriverError::RangeIgnored { .. }) => {
                self.ramp.single();
                if !exit.is_covered {
                    return self.restart(error.to_string(), RestartReason::Unranged).await;
                }
                self.attempt.log(format!("one connection only: {error}"));
            }
            WorkerError::Driver(error @ DriverError::RangeUnsatisfiable { .. }) => {
                return self.restart(error.to_string(), RestartReason::Other).await;
            }
            WorkerError::Driver(error @ DriverError::RemoteChanged { .. }) => {
                let reason = error.to_string();
                let DriverError::RemoteChanged { now, .. } = error else { return Ok(()) };
                return self.restart(reason, RestartReason::Changed(now)).await;
            }
            // One answer may be the wrong one. Where two do not continue what is here, that is.
            WorkerError::Differs { ref url, at } if self.job.progress.differed(at) > 1 => {
                return self.restart(worker_error::differs(url, at), RestartReason::Other).await;
            }
            WorkerError::Disk(error) => {
                self.workers.shutdown().await;
                return Err(error.into());
            }
            retry_after @ WorkerError::RetryAfter(_) => {
                if let Retry::After(wait) = retry_after.retry() {
                    self.ramp.rest(self.workers.len(), wait, Instant::now());
                }
                self.last_error = Some(retry_after);
            }
            other => {
                let (losses, random) = (self.ramp.losses(), self.attempt.engine.rng.uniform());
                let wait = retry::delay(other.retry(), losses, retry::MOST_ATTEMPTS, random);
                // The last of several is not replaced within the try.
                let is_repeated = !exit.has_moved && !self.workers.is_empty();
                let turn = wait.filter(|_| is_repeated).map(|_| self.job.servers.retry_wait(&exit.server));
                let wait = wait.map(|wait| wait.max(turn.unwrap_or_default()));
                // Right behind its last connection the server may only not have noticed the end of that one.
                let is_refusal = other.is_refusal() && !exit.was_served;
                let is_news = is_refusal || !other.is_refusal();
                // What the last of several meets ends the try, which tells of it.
                match other.outcome().filter(|_| is_news) {
                    Some(Outcome::Broken) if self.workers.is_empty() => self.job.servers.lost_all(&exit.server),
                    Some(outcome) if !self.workers.is_empty() => self.job.servers.report(&exit.server, outcome),
                    _ => {}
                }
                self.ramp.on_connection_lost(self.workers.len(), wait, is_refusal, Instant::now());
                self.last_error = Some(other);
            }
        }
        Ok(())
    }

    async fn restart(&mut self, reason: String, because: RestartReason) -> Result<(), FetchExit> {
        self.workers.shutdown().await;
        Err(FetchExit::Restart { reason, because })
    }

    /// What it means that no worker is left.
    fn outcome(&mut self) -> Result<(), FetchExit> {
        if self.job.claims.is_complete() {
            return Ok(());
        }
        let error = self.last_error.take().unwrap_or(WorkerError::Short);
        Err(error.into_stop(&self.job.url).into())
    }
}

fn every(period: std::time::Duration) -> Interval {
    let mut interval = tokio::time::interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
