//! One try at a download: describe the file, fetch what is missing, prove it, publish it.

mod checkpoint;
mod crew;
mod finish;
mod fresh;
mod judge;
mod line;
mod naming;
mod overlap;
mod places;
mod portion;
mod proof;
mod ramp;
mod receive;
mod recheck;
mod renewed;
mod resume;
mod source;
pub(crate) mod stretch;
mod trouble;
mod whole;
mod worker;

use std::sync::Arc;

use parking_lot::Mutex;
use ropeway_drivers::ByteStream;
use ropeway_model::{FailureCode, Step};
use source::{Begin, Halt, Source};

use crate::{
    attempt::{Attempt, Finished, Stop},
    checksum::{Follower, Pending},
    claims::{Claims, Stripe},
    hosts::HostKey,
    plan::{self, Plan},
    table::advance,
};

/// A file that changes this often during one try is not worth chasing.
const MOST_RESTARTS: u32 = 3;

/// Runs one try.
pub(crate) async fn run(attempt: &Attempt) -> Result<Finished, Stop> {
    let mut begin = resume::begin(attempt).await?;
    let mut one_stream = false;
    for restarts in 0..=MOST_RESTARTS {
        attempt.connect().await?;
        let begin = match begin.take() {
            Some(begin) => begin,
            None => fresh::begin(attempt).await?,
        };
        attempt.step(Step::Probed);
        let (source, first) = match begin {
            Begin::Source(source, first) => (source, first),
            Begin::Published(finished) => {
                attempt.step(Step::Transferred);
                return Ok(finished);
            }
        };
        match transfer(attempt, &source, first, one_stream).await {
            Ok(finished) => return Ok(finished),
            Err(Halt::Stop(stop)) => return Err(stop),
            Err(Halt::Restart { reason, one_stream: single }) => {
                // A file that seems to change again and again is more often one whose servers do not agree on its tag:
                // a single answer is of one version, whatever it is called.
                one_stream |= single || restarts > 0;
                attempt.log(format!("starts again at byte 0: {reason}"));
                // In one move: a job that is queued for a moment would be started a second time.
                attempt.update(|entry| {
                    advance(entry, Step::Recover);
                    advance(entry, Step::Start);
                });
            }
        }
    }
    Err(Stop::failed(
        FailureCode::BadResponse,
        format!("{} changes faster than it can be fetched", attempt.spec.host()),
    ))
}

/// Fetches what is missing, proves it and publishes it.
async fn transfer(
    attempt: &Attempt,
    source: &Source,
    first: Option<ByteStream>,
    one_stream: bool,
) -> Result<Finished, Halt> {
    let algorithms = proof::algorithms(&attempt.spec, source.announced.as_ref(), attempt.engine.digests);
    let follow = || {
        let saved = source.hashed.as_ref();
        Follower::start(&attempt.engine.blocking, Arc::clone(&source.part), &algorithms, saved)
    };
    let (follower, pending) = (!algorithms.is_empty()).then(follow).unzip();
    let wanted = attempt.spec.connections.unwrap_or(*attempt.engine.connections.lock());
    let (length, written) = (source.map.length(), source.map.written());
    let missing = length.unwrap_or(0).saturating_sub(written);
    let server = HostKey::of(&source.url);
    let plan = if one_stream {
        Plan { connections: 1, first: 1 }
    } else {
        plan::plan(length, missing, wanted, &attempt.engine.hosts.profile(&server))
    };
    // The digest can only follow what comes in order.
    let stripe = follower.as_ref().and_then(|_| Stripe::of(length, plan.connections));
    let claims = Arc::new(Claims::new(source.map.clone(), stripe));
    attempt.progress.restart_at(written);
    attempt.progress.set_claims(Some(Arc::clone(&claims)));
    let job = Arc::new(worker::Job {
        context: attempt.context(),
        driver: Arc::clone(&source.driver),
        url: source.url.clone(),
        validator: source.validator.clone(),
        part: Arc::clone(&source.part),
        claims,
        throttle: attempt.throttle.clone(),
        progress: Arc::clone(&attempt.progress),
        follower,
        may_split: plan.connections > 1,
        places: Arc::default(),
        servers: attempt.engine.hosts.clone(),
        server,
        line: line::Line::default(),
        opened: tokio::sync::Notify::new(),
        verdict: Mutex::default(),
        proved: source.proved,
        ledger: source.ledger.clone().map(Mutex::new),
    });
    if let Some(follower) = &job.follower {
        follower.reached(job.claims.contiguous_prefix());
    }
    if let Err(halt) = crew::run(attempt, &job, first, plan).await {
        if matches!(halt, Halt::Stop(_)) {
            // What has been fetched is worth keeping; if it cannot be kept, why the try stopped is still the news.
            if let Err(also) = checkpoint::save(attempt, &job, checkpoint::Moment::Settled).await {
                tracing::warn!(job = %attempt.id, ?also, "last checkpoint failed");
            }
        }
        abandon(&job, pending).await;
        return Err(halt);
    }
    attempt.step(Step::Transferred);
    finish::run(attempt, source, &job, pending).await.map_err(Halt::Stop)
}

/// Ends the digests: whoever reads the part file holds its lock, and the next try needs it.
async fn abandon(job: &worker::Job, pending: Option<Pending>) {
    let (Some(follower), Some(pending)) = (&job.follower, pending) else { return };
    follower.abandon();
    // What they say does not count any more.
    drop(pending.await);
}
