//! One try at one job. It goes from its place in the scheduler to the step that ends it.

mod context;
mod place;
mod stop;
mod tries;

use std::{
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use ropeway_drivers::{Context, CookieJar, Driver};
use ropeway_flow::{
    disk::{Disk, FileStamp},
    throttle::Throttle,
};
use ropeway_model::{
    Blocker, Digest, Direction, Failure, FailureCode, JobId, JobSpec, Phase, Retry, SafeUrl, Step, Timestamp, Wish,
};
use ropeway_store::{JobChange, Verification};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(crate) use context::context;
pub(crate) use stop::Stop;
pub(crate) use tries::{is_hopeless, most_tries};

use crate::{
    blockers,
    config::Scope,
    core::Core,
    download::{range_fetch::RangeSource, recheck},
    hosts::{HostKey, HostSession, Verdict},
    journal::Durable,
    network::{is_this_machine, without_port},
    progress::Progress,
    table::{Entry, advance},
};

/// A running try.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) engine: Arc<Core>,
    pub(crate) id: JobId,
    pub(crate) spec: Arc<JobSpec>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) throttle: Throttle,
    pub(crate) cookies: Arc<CookieJar>,
    pub(crate) cancel: CancellationToken,
    pub(crate) host_session: HostSession,
}

/// End of a try that went well.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Where the file is: the download's final path, or the upload's source.
    pub(crate) path: PathBuf,
    pub(crate) digest: Option<Digest>,
    pub(crate) verification: Verification,
    /// Stamp that tells the download's file from another one of its name.
    pub(crate) stamp: Option<FileStamp>,
}

/// What a job fails with where a part of the engine panicked; the panic itself is in the log of the process.
pub(crate) fn defect() -> Failure {
    Failure::new(FailureCode::Internal, "a part of Ropeway failed")
}

impl Attempt {
    /// Waits until the server may be connected to, unless the try has that right already.
    pub(crate) async fn connect(&self) -> Result<(), Stop> {
        self.cancel.run_until_cancelled(self.host_session.connect()).await.ok_or(Stop::Interrupted)
    }

    /// Waits until `host` may be connected to, in the place of whomever the try has that right for.
    pub(crate) async fn connect_to(&self, host: &HostKey) -> Result<(), Stop> {
        self.cancel.run_until_cancelled(self.host_session.connect_to(host)).await.ok_or(Stop::Interrupted)
    }

    /// Source of a range that is fetched from outside of the workers.
    pub(crate) fn range_source<'a>(
        &'a self,
        context: &'a Context,
        driver: &'a dyn Driver,
        url: &'a SafeUrl,
    ) -> RangeSource<'a> {
        RangeSource { context, driver, url, throttle: &self.throttle, hosts: Some(&self.engine.hosts) }
    }

    /// Begins anew within the try, which repeats what the server has been asked already: waits for its turn.
    pub(crate) async fn repeat(&self) -> Result<(), Stop> {
        let turn = self.engine.hosts.retry_wait(self.host_session.key());
        self.cancel.run_until_cancelled(tokio::time::sleep(turn)).await.ok_or(Stop::Interrupted)
    }

    /// Does `work` on the disk, on a thread that may block. A mount that hangs holds up this job and no other.
    pub(crate) async fn on_disk<T: Send + 'static, E: Into<Stop> + Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Disk) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Stop> {
        let disk = Arc::clone(&self.engine.disk);
        let done = self.engine.blocking.start(move || work(&*disk)).await;
        done.map_err(|panic| Stop::failed(FailureCode::Internal, panic.to_string()))?.map_err(Into::into)
    }

    /// Moves the phase on, in memory. A crash makes the job queued again, whatever it was doing.
    pub(crate) fn step(&self, step: Step) {
        self.update(|entry| advance(entry, step));
    }

    /// Changes the job's row in memory.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Entry)) {
        self.engine.table.lock().update(self.id, change);
        self.engine.changed.notify_one();
    }

    /// Looks at the job's row.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&Entry) -> R) -> Result<R, Stop> {
        self.engine.table.lock().get(self.id).map(look).ok_or(Stop::Interrupted)
    }

    /// Records a change of the job and waits until it is durable.
    pub(crate) async fn save(&self, change: JobChange) -> Result<(), Stop> {
        let durable = self.engine.journal.save(change);
        // A queue goes on once it can be written again; who waits at a terminal is told.
        let retry = if self.engine.scope == Scope::Queue { Retry::Backoff } else { Retry::Never };
        let stop = |reason| Stop::Failed { failure: Failure::new(FailureCode::StateFailed, reason), retry, at: None };
        durable.wait().await.map_err(stop)
    }

    /// A change of this job with a line for its log.
    pub(crate) fn change(&self, line: Option<String>) -> JobChange {
        let mut change = JobChange::new(self.id);
        change.log.extend(line.map(|line| (self.engine.clock.now(), line)));
        change
    }

    /// Adds a line to the job's log.
    pub(crate) fn log(&self, line: String) {
        self.engine.journal.note(self.change(Some(line)));
    }

    /// Takes the step that ends the try, and records it.
    pub(crate) async fn settle(self, outcome: Result<Finished, Stop>, progressed: bool) {
        // Before the job's end is seen: whoever sees it finds nothing left.
        let is_discarded = outcome.is_err() && self.discard_canceled().await;
        let ended = panic::catch_unwind(AssertUnwindSafe(|| self.end(outcome, progressed)));
        let durable = ended.unwrap_or_else(|_| Some(self.end_as_defect()));
        if self.look(|entry| matches!(entry.phase, Phase::Blocked { .. })).unwrap_or(false) {
            self.engine.blocked.notify_one();
        }
        if !is_discarded && self.look(|entry| entry.phase == Phase::Canceled).unwrap_or(false) {
            self.discard_canceled().await;
        }
        self.engine.changed.notify_one();
        self.engine.wake.notify_one();
        self.engine.settled.notify_waiters();
        if self.engine.table.lock().is_idle() {
            self.engine.idle.notify_one();
        }
        if let Some(durable) = durable {
            // A failure is logged by the journal; the job's fate in memory stands.
            drop(durable.wait().await);
        }
    }

    /// Takes the step that ends the try.
    fn end(&self, outcome: Result<Finished, Stop>, progressed: bool) -> Option<Durable> {
        let now = self.engine.clock.now();
        let at = stop::ended_at(&outcome);
        let mut table = self.engine.table.lock();
        let durable = table.update(self.id, |entry| {
            entry.active = None;
            let outcome = outcome.map_err(|stop| self.seen_as_blocker(entry, stop));
            self.host_session.end(stop::verdict(&outcome, progressed), at.as_ref());
            let durable = match outcome {
                Ok(finished) => self.complete(entry, finished, now),
                Err(Stop::Interrupted) => self.stop(entry),
                // No try is counted: its turn comes with that server's.
                Err(Stop::RedirectedTo { failure, .. }) => {
                    self.log(failure.message);
                    self.stop(entry)
                }
                Err(Stop::NoFile { failure, .. }) if self.may_expire(entry) => {
                    Some(self.park(entry, &failure, Step::Expire(failure.clone())))
                }
                Err(Stop::Failed { failure, retry, .. } | Stop::NoFile { failure, retry }) => {
                    let at = at.as_ref().unwrap_or(self.host_session.key());
                    let pause = self.pause(entry, &failure, retry, progressed, at);
                    self.fail(entry, &failure, pause, now)
                }
                Err(Stop::Blocked { by, failure }) => {
                    Some(self.park(entry, &failure, Step::Block { by, failure: failure.clone() }))
                }
            };
            // The next try goes on with them, if there is to be one.
            let is_over = entry.phase.is_terminal() || self.cookies.is_empty();
            entry.state.cookies = (!is_over).then(|| Arc::clone(&self.cookies));
            durable
        });
        if self.spec.mirrors.is_empty() {
            table.lead(self.id, at.as_ref().map(HostKey::as_str));
        }
        let is_at_own = at.is_none_or(|at| at == *self.host_session.key());
        if self.engine.scope == Scope::Once && self.host_session.is_probe() && is_at_own {
            self.engine.give_up(&mut table, self.id, self.host_session.key());
        }
        durable.flatten()
    }

    /// Fails the job of a try that could not be ended otherwise, whatever had been done of that.
    fn end_as_defect(&self) -> Durable {
        self.host_session.end(Verdict::Nothing, None);
        let mut change = self.change(Some(defect().to_string()));
        let mut table = self.engine.table.lock();
        table.update(self.id, |entry| {
            entry.active = None;
            if entry.phase.is_active() {
                advance(entry, Step::Fail(defect()));
            }
            change.phase = Some(entry.phase.clone());
        });
        self.engine.journal.save(change)
    }

    /// Deletes what the download has, if its user gave it up; `true` if so.
    async fn discard_canceled(&self) -> bool {
        let part = self.look(|entry| (entry.wish == Wish::Cancel).then(|| entry.state.part_path.clone()));
        let Ok(Some(part)) = part else { return false };
        self.engine.discard(part.map(|part| (self.id, part)).into_iter().collect()).await;
        true
    }

    /// A failure that no further try mends before something around us changes, as that.
    fn seen_as_blocker(&self, entry: &Entry, stop: Stop) -> Stop {
        let Stop::Failed { failure, retry, at } = stop else { return stop };
        let is_download = self.spec.direction() == Direction::Download;
        match failure.code {
            // Who waits at a terminal is told.
            FailureCode::DiskFull if is_download && self.engine.scope == Scope::Queue => {
                Stop::Blocked { by: Blocker::Room, failure }
            }
            FailureCode::NameNotResolved
            | FailureCode::ConnectTimeout
            | FailureCode::ConnectionLost
            | FailureCode::IdleTimeout
            | FailureCode::ProxyFailed
                if !self.has_way(entry) =>
            {
                Stop::Blocked { by: Blocker::Network, failure }
            }
            _ => Stop::Failed { failure, retry, at },
        }
    }

    fn has_way(&self, entry: &Entry) -> bool {
        let way = blockers::way_to(entry);
        let host = without_port(&way);
        is_this_machine(host) || self.engine.routes.reach(host)
    }

    fn complete(&self, entry: &mut Entry, finished: Finished, now: Timestamp) -> Option<Durable> {
        tracing::info!(job = %self.id, path = %finished.path.display(), "job completed");
        advance(entry, Step::Verified);
        self.engine.keep_folders_of(&finished.path);
        self.engine.listings.give(&finished.path);
        entry.state.finished = Some(now);
        entry.state.final_path = Some(finished.path.clone());
        entry.state.digest.clone_from(&finished.digest);
        entry.state.verification = Some(finished.verification);
        entry.state.attempts = 0;
        // It was found in what came before.
        let is_damage_told = entry.state.damage.take().is_some();
        if self.engine.scope == Scope::Once {
            // The file is durable, and nobody asks for its row again: whoever finds it after a crash finds the file, too.
            self.engine.journal.forget(vec![self.id]);
            return None;
        }
        let mut change = self.change(Some(format!("completed: {}", finished.path.display())));
        change.phase = Some(entry.phase.clone());
        change.finished = Some(now);
        change.final_path = Some(Some(finished.path));
        change.durable = Some(entry.progress().durable());
        change.digest = Some(finished.digest);
        change.verification = Some(Some(finished.verification));
        change.damage = is_damage_told.then_some(None);
        change.segments = Some(None);
        change.part_file = Some(finished.stamp.map(|stamp| recheck::state(stamp, true, None)));
        change.part_path = Some(None);
        change.upload = Some(None);
        Some(self.engine.journal.save(change))
    }

    /// Follows the user's wish, which may have changed again since the try was stopped.
    fn stop(&self, entry: &mut Entry) -> Option<Durable> {
        let (step, line) = match entry.wish {
            // The process ends, or the user wants the job to run again: it is queued, as the store already has it.
            Wish::Run => {
                advance(entry, Step::Recover);
                return None;
            }
            Wish::Pause => (Step::Pause, "paused"),
            Wish::Cancel => (Step::Cancel, "canceled"),
        };
        advance(entry, step);
        let mut change = self.change(Some(line.to_owned()));
        change.phase = Some(entry.phase.clone());
        Some(self.engine.journal.save(change))
    }

    /// Tells the log why a try ended and what follows: of the job no more than what is shown of it.
    fn tell(&self, failure: &Failure, step: &Step) {
        let (job, code, reason) = (self.id, failure.code.code(), failure.message.as_str());
        match step {
            Step::Interrupt { until, attempt, .. } => {
                tracing::info!(%job, code, reason, attempt, until_ms = until.unix_ms(), "job waits for its next try");
            }
            Step::Fail(_) => tracing::info!(%job, code, reason, "job failed"),
            _ => tracing::info!(%job, code, reason, "job rests"),
        }
    }

    /// Whether a new link can save what is here.
    fn may_expire(&self, entry: &Entry) -> bool {
        let is_before_the_end = matches!(entry.phase, Phase::Probing | Phase::Running);
        self.spec.direction() == Direction::Download && is_before_the_end && entry.progress().durable() > 0
    }

    /// Lays the job down until something changes that no further try brings about; no try is counted.
    fn park(&self, entry: &mut Entry, failure: &Failure, step: Step) -> Durable {
        self.tell(failure, &step);
        entry.forget_tries();
        leave(entry, step);
        let mut change = self.change(Some(failure.to_string()));
        change.phase = Some(entry.phase.clone());
        self.engine.journal.save(change)
    }

    fn fail(&self, entry: &mut Entry, failure: &Failure, pause: Option<Duration>, now: Timestamp) -> Option<Durable> {
        let line = failure.to_string();
        let step = match pause {
            Some(pause) if entry.wish == Wish::Run => {
                entry.state.due = Some(Instant::now() + pause);
                Step::Interrupt { until: now.plus(pause), attempt: entry.state.attempts, cause: failure.clone() }
            }
            _ => Step::Fail(failure.clone()),
        };
        self.tell(failure, &step);
        if pause.is_none() && self.spec.direction() == Direction::Upload && entry.wish == Wish::Pause {
            // To go on from a pause would be to send again what has arrived, or is not to be sent.
            advance(entry, step);
        } else {
            leave(entry, step);
        }
        // Whoever else moves this file owns its row in a shared queue.
        if failure.code == FailureCode::PartInUse && self.engine.scope == Scope::Once {
            return None;
        }
        let mut change = self.change(Some(line));
        change.phase = Some(entry.phase.clone());
        Some(self.engine.journal.save(change))
    }
}

/// Takes the step, or the one the user wished for meanwhile.
fn leave(entry: &mut Entry, step: Step) {
    let wished = match entry.wish {
        Wish::Run => step,
        Wish::Pause => Step::Pause,
        Wish::Cancel => Step::Cancel,
    };
    advance(entry, wished);
}
