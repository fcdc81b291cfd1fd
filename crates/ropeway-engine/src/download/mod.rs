//! One try at a download. Describe the file, fetch what is missing, prove it, publish it.

mod bandwidth_probe;
mod changes;
mod checkpoint;
mod crew;
mod existing;
mod finish;
mod folders_made;
mod ground;
mod growth;
mod judge;
mod limited_range;
mod listing;
pub(crate) mod mirrors;
mod named_folders;
mod naming;
mod overlap;
mod page;
pub(crate) mod proof;
mod ramp;
pub(crate) mod range_fetch;
mod range_support;
mod receive;
pub(crate) mod recheck;
mod renewed;
mod resume;
mod saves;
mod seam;
mod slots;
mod small_file;
mod soft;
mod source;
mod start;
mod steps;
mod stream;
mod way_back;
mod worker;
pub(crate) mod worker_error;
mod write_buffer;

pub(crate) use listing::Listings;
pub use naming::part_path;
pub(crate) use saves::Saves;
pub(crate) use stream::Streamed;

use std::sync::Arc;

use parking_lot::Mutex;
use ropeway_drivers::{ByteStream, Context};
use ropeway_flow::{digest::Follower, disk::PartFile};
use ropeway_model::{ConnectionChoice, FailureCode, Step, Validation, Validator, counted};
use ropeway_store::BlockChange;
use tokio_util::sync::CancellationToken;

use self::{
    mirrors::{
        Mirrors,
        fall_back::{self, Next},
        pieces,
    },
    source::{Begin, FetchExit, RestartReason, Source},
    way_back::{Back, Way},
};

use crate::{
    attempt::{Attempt, Finished, Stop},
    claims::{Claims, Stripe},
    hosts::HostKey,
    plan::{self, Plan},
};

/// A file that changes this often during one try is not worth chasing.
const MOST_RESTARTS: u32 = 3;

/// Runs one try.
pub(crate) async fn run(attempt: &Attempt) -> Result<Finished, Stop> {
    named_folders::make(attempt).await?;
    let mut course = Course::of(attempt);
    let mut begin = resume::begin(attempt, &mut course.had).await?;
    while course.restarts <= MOST_RESTARTS {
        attempt.connect().await?;
        let begin_at = match begin.take() {
            Some(begin) => begin,
            None => start::begin(attempt, &course.mirrors, course.had.take()).await?,
        };
        let (mut source, first) = match begin_at {
            Begin::Source(source, first) => (source, first),
            Begin::Saved(finished) => return Ok(finished),
            Begin::Published(finished) => {
                attempt.land();
                return Ok(finished);
            }
        };
        attempt.step(Step::Probed);
        course.one_stream |= changes::is_unsteady(attempt)?;
        // Apart: a small file is saved without them, and its try takes little room and is moved with little effort.
        match Box::pin(transfer(attempt, &mut source, &course, first)).await {
            Ok(finished) => return Ok(finished),
            Err(exit) => begin = Box::pin(course.after(source, exit)).await?,
        }
        attempt.start_again();
    }
    Err(Stop::failed(
        FailureCode::BadResponse,
        format!("{} changes faster than it can be fetched", attempt.spec.host()),
    ))
}

/// What one try has learned between its beginnings.
struct Course<'a> {
    attempt: &'a Attempt,
    mirrors: Arc<Mirrors>,
    way: Way,
    /// The part file of an earlier beginning, until the next one has an answer.
    had: Option<Arc<dyn PartFile>>,
    /// Whether only one answer is read at a time, and none to a request for a range.
    one_stream: bool,
    restarts: u32,
    /// Whether the file was fetched anew since it was not what the server had announced.
    was_refetched: bool,
}

impl<'a> Course<'a> {
    fn of(attempt: &'a Attempt) -> Self {
        let (mirrors, way) = (Mirrors::of(&attempt.spec), Way::default());
        // A job that is gone is about to be told so.
        let _ = attempt.look(|entry| mirrors.remember(&attempt.spec, &entry.state.wrong));
        Self { attempt, mirrors, way, had: None, one_stream: false, restarts: 0, was_refetched: false }
    }

    /// Where the try goes on behind `exit`; `None` at byte 0.
    async fn after(&mut self, mut source: Box<Source>, exit: FetchExit) -> Result<Option<Begin>, Stop> {
        match exit {
            FetchExit::Stop(stop) => match self.go_on(&source, stop).await? {
                Next::Resume => self.resume(source).await,
                Next::Afresh => Ok(None),
                Next::Plain => {
                    (self.one_stream, self.restarts) = (true, self.restarts + 1);
                    self.mirrors.readmit_lead();
                    self.had = Some(Arc::clone(&source.part));
                    Ok(None)
                }
            },
            FetchExit::Damaged { map, ledger } => {
                if let Some((url, valid)) = self.mirrors.lead() {
                    let length = source.validator.length;
                    source.validator = valid.unwrap_or(Validator { length, ..Validator::default() });
                    source.url = url;
                }
                (source.map, source.ledger, source.hashed, source.unsynced) = (map, ledger, None, 0);
                Ok(Some(Begin::Source(source, None)))
            }
            FetchExit::Restart { because, .. } if self.keeps_on(&source, &because).await? => self.resume(source).await,
            FetchExit::Restart { reason, because } => {
                let is_unranged = matches!(because, RestartReason::Unranged);
                if matches!(because, RestartReason::Other) && self.mirrors.keep_to_one() {
                    self.attempt.log("one mirror is asked alone from here on".to_owned());
                }
                if is_unranged {
                    let is_made_anew = worker_error::is_unnamed(&source.validator);
                    self.attempt.update(|entry| entry.state.is_made_anew = is_made_anew);
                } else {
                    self.attempt.update(|entry| entry.state.validation = Some(Validation::Changed));
                    changes::note(self.attempt)?;
                }
                // Of one version, whatever that is called.
                self.one_stream |= is_unranged || self.restarts > 0;
                self.restarts += 1;
                self.attempt.log(format!("starts again at byte 0: {reason}"));
                self.had = Some(Arc::clone(&source.part));
                self.attempt.repeat().await?;
                Ok(None)
            }
        }
    }

    /// Goes on with what is recorded of `source`, whose lock on the part file goes with it.
    async fn resume(&mut self, source: Box<Source>) -> Result<Option<Begin>, Stop> {
        drop(source);
        let begin = resume::begin(self.attempt, &mut self.had).await?;
        if begin.is_none() {
            self.one_stream |= self.restarts > 0;
            self.restarts += 1;
        }
        Ok(begin)
    }

    /// Whether the try goes on where it is although its last answer speaks for another beginning.
    async fn keeps_on(&mut self, source: &Source, because: &RestartReason) -> Result<bool, Stop> {
        match because {
            RestartReason::Unranged => self.way.is_served_without_condition(self.attempt, source).await,
            RestartReason::Changed(now) => self.way.tags_tell_nothing(self.attempt, source, now).await,
            RestartReason::Other => Ok(false),
        }
    }

    /// How the try goes on that ended with `stop`; ends it where nothing but time helps.
    async fn go_on(&mut self, source: &Source, stop: Stop) -> Result<Next, Stop> {
        let (attempt, mirrors) = (self.attempt, &self.mirrors);
        let is_mismatch = matches!(&stop, Stop::Failed { failure, .. } if failure.code == FailureCode::DigestMismatch)
            && attempt.spec.pieces.is_none();
        if let Some(wrong) = mirrors.wrong_one(&attempt.spec).filter(|_| is_mismatch) {
            attempt.update(|entry| entry.state.wrong.push(wrong));
        }
        if is_mismatch && mirrors.settle_after_mismatch() {
            attempt.log("what came is not the file: starts again at byte 0 with one mirror".to_owned());
            return Ok(Next::Afresh);
        }
        // Either of the two may have been wrong once. What the user gave is not: that is told at once, and so is what came
        // by a link, which may be over by now.
        let may_refetch = attempt.spec.checksum.is_none() && way_back::own_address(attempt, &source.url).is_none();
        if is_mismatch && may_refetch && !std::mem::replace(&mut self.was_refetched, true) {
            attempt.log("what came is not what the server announced: starts again at byte 0, once".to_owned());
            return Ok(Next::Afresh);
        }
        if let Some(next) = fall_back::look(attempt, source, mirrors, &stop).await? {
            return Ok(next);
        }
        match self.way.back(attempt, source, &stop).await? {
            Some(Back::Resume) => Ok(Next::Resume),
            Some(Back::Plain) => Ok(Next::Plain),
            None => Err(stop),
        }
    }
}

/// Fetches what is missing, proves it and publishes it.
async fn transfer(
    attempt: &Attempt,
    source: &mut Source,
    course: &Course<'_>,
    first: Option<ByteStream>,
) -> Result<Finished, FetchExit> {
    let Course { mirrors, way, one_stream, .. } = course;
    let algorithms = proof::algorithms(&attempt.spec, source.announced.as_ref(), attempt.engine.digests);
    let follow = || {
        let saved = source.hashed.as_ref();
        Follower::new(&attempt.engine.blocking, Arc::clone(&source.part), &algorithms, saved)
    };
    let follower = (!algorithms.is_empty()).then(follow);
    let (length, written) = (source.map.length(), source.map.written());
    let server = HostKey::of(&source.url);
    let plan = if *one_stream {
        Plan { connections: 1, first: 1, is_automatic: false }
    } else {
        plan_of(attempt, source, &server)
    };
    let (latency, missing) =
        (attempt.engine.hosts.profile(&server).latency, length.unwrap_or(0).saturating_sub(written));
    let (promises, reopened) = (std::mem::take(&mut source.promises), std::mem::take(&mut source.reopened));
    // The digest can only follow what comes in order.
    let stripe = follower.as_ref().and_then(|_| Stripe::of(length, plan.connections));
    let claims = Arc::new(Claims::new(source.map.without(&reopened), stripe));
    attempt.progress.restart_at(written);
    attempt.progress.set_durable(written - source.unsynced);
    attempt.progress.set_claims(Some(Arc::clone(&claims)));
    let job = Arc::new(worker::SharedDownload {
        context: Context { is_conditional: way.is_conditional, ..attempt.context() },
        driver: Arc::clone(&source.driver),
        url: source.url.clone(),
        validator: source.validator.clone(),
        part: Arc::clone(&source.part),
        soft: soft::SoftLog::new(attempt, &source.part),
        claims,
        throttle: attempt.throttle.clone(),
        progress: Arc::clone(&attempt.progress),
        follower,
        may_split: plan.connections > 1,
        slots: Arc::default(),
        servers: attempt.engine.hosts.clone(),
        server,
        range_support: range_support::RangeSupport::new(source.url.expose().scheme() == "https", source.first, latency),
        opened: tokio::sync::Notify::new(),
        writing: tokio::sync::Mutex::default(),
        verdict: Mutex::default(),
        proved: source.proved,
        reopened,
        promises: if mirrors.are_judged_by_digests() { seam::Promises::default() } else { promises },
        ledger: source.ledger.clone().map(Mutex::new),
        mirrors: Arc::clone(mirrors),
    });
    if *one_stream {
        // Each answer may be of another version: a single one is not left for portions.
        job.range_support.refuse_ranges();
    }
    mirrors.follow(&source.url, &source.url, &source.validator);
    let first = first.map(|body| mirrors.take_lead().watch(body, 0, CancellationToken::new(), attempt.cancel.clone()));
    if let Some(follower) = &job.follower {
        follower.reached(job.claims.contiguous_prefix());
    }
    let offers_ranges = source.first.is_some_and(|first| first.offers_ranges);
    let start = crew::Start { body: first, plan, missing, offers_ranges };
    if let Err(exit) = fetch(attempt, &job, source.had_begun, start).await {
        abandon(&job).await;
        return Err(exit);
    }
    attempt.land();
    finish::run(attempt, source, &job).await.map_err(FetchExit::Stop)
}

/// Brings the bytes that are missing, and looks for damaged ones.
async fn fetch(
    attempt: &Attempt,
    job: &Arc<worker::SharedDownload>,
    had_begun: bool,
    start: crew::Start,
) -> Result<(), FetchExit> {
    if let Err(exit) = job.soft.beside(job, had_begun, crew::run(attempt, job, start)).await {
        if matches!(exit, FetchExit::Stop(_) | FetchExit::Restart { .. }) {
            // What has been fetched is worth keeping; if it cannot be kept, why the try stopped is still the news.
            if let Err(also) = checkpoint::save(attempt, job, checkpoint::Moment::Settled).await {
                tracing::warn!(job = %attempt.id, ?also, "last checkpoint failed");
            }
        }
        return Err(exit);
    }
    repair(attempt, job).await?.map_or(Ok(()), Err)
}

fn plan_of(attempt: &Attempt, source: &Source, server: &HostKey) -> Plan {
    let usual = || *attempt.engine.connections.lock();
    let wanted = attempt.spec.connections.map_or_else(usual, ConnectionChoice::given);
    let length = source.map.length();
    let missing = length.unwrap_or(0).saturating_sub(source.map.written());
    plan::plan(length, missing, wanted, &attempt.engine.hosts.profile(server))
}

/// Ends the digests: whoever reads the part file holds its lock, and the next try needs it.
async fn abandon(job: &worker::SharedDownload) {
    if let Some(follower) = &job.follower {
        // What they say does not count any more.
        drop(follower.abandon().await);
    }
}

/// What is to be fetched again, where the digests of pieces tell that some bytes are wrong. The mirror they came from is
/// not asked again.
///
/// # Errors
/// [`FailureCode::DigestMismatch`] where there is no other mirror.
async fn repair(attempt: &Attempt, job: &worker::SharedDownload) -> Result<Option<FetchExit>, Stop> {
    let length = job.claims.written();
    let damaged = pieces::damaged(attempt, &job.part, length).await?;
    let Some(first) = damaged.first() else { return Ok(None) };
    let map = pieces::map_without(&damaged, length);
    // What is claimed must outlast a power cut.
    let synced = checkpoint::sync(attempt, job, &map).await?;
    synced.commit(job);
    soft::forget(attempt).await?;
    let mut ledger = job.ledger.as_ref().map(|ledger| ledger.lock().clone());
    // What the store says of these bytes is not true any more.
    let mut change = attempt.change(None);
    if let Some(ledger) = &mut ledger {
        ledger.keep_inside(&map);
        change.blocks = Some(BlockChange::Replace(ledger.blocks()));
    }
    change.part_file = Some(Some(recheck::state(synced.stamp(), true, None)));
    change.segments = Some(Some(map.clone()));
    change.durable = Some(map.written());
    attempt.save(change).await?;
    attempt.progress.set_durable(map.written());
    let Some(blamed) = job.mirrors.blame(&damaged) else {
        let pieces = counted(damaged.len(), "piece");
        let reason = format!("the Metalink says otherwise of {pieces}, the first at bytes {first}");
        return Err(Stop::failed(FailureCode::DigestMismatch, reason));
    };
    attempt.log(format!("{blamed} is not asked again: it sent {} wrongly", counted(damaged.len(), "piece")));
    job.mirrors.forget_served();
    Ok(Some(FetchExit::Damaged { map, ledger }))
}
