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
mod resume;
mod source;
mod trouble;
mod worker;

use std::sync::Arc;

use parking_lot::Mutex;
use ropeway_drivers::ByteStream;
use ropeway_model::{FailureCode, Step};
use source::{Begin, Halt, Source};

use crate::{
    attempt::{Attempt, Finished, Stop},
    checksum::{Follower, Hashers},
    claims::Claims,
    plan,
    table::advance,
};

/// A file that changes this often during one try is not worth chasing.
const MOST_RESTARTS: u32 = 3;

/// Runs one try.
pub(crate) async fn run(attempt: &Attempt) -> Result<Finished, Stop> {
    let mut begin = resume::begin(attempt).await?;
    let mut one_stream = false;
    for restarts in 0..=MOST_RESTARTS {
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
    let claims = Arc::new(Claims::new(source.map.clone()));
    attempt.progress.restart_at(claims.written());
    attempt.progress.set_claims(Some(Arc::clone(&claims)));
    let algorithms = proof::algorithms(&attempt.spec, source.announced.as_ref(), attempt.engine.digests);
    let hashed = (!algorithms.is_empty()).then(|| Hashers::new(&algorithms));
    let (follower, pending) =
        hashed.map(|hashers| Follower::start(&attempt.engine.blocking, Arc::clone(&source.part), hashers)).unzip();
    let wanted = attempt.spec.connections.unwrap_or(*attempt.engine.connections.lock());
    let missing = claims.length().unwrap_or(0).saturating_sub(claims.written());
    let connections = if one_stream { 1 } else { plan::connections(claims.length(), missing, wanted) };
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
        may_split: connections > 1,
        places: Arc::default(),
        line: line::Line::default(),
        opened: tokio::sync::Notify::new(),
        verdict: Mutex::default(),
        proved: source.proved,
    });
    if let Some(follower) = &job.follower {
        follower.reached(job.claims.contiguous_prefix());
    }
    match crew::run(attempt, &job, first, connections).await {
        Ok(()) => {}
        Err(Halt::Stop(stop)) => {
            // What has been fetched is worth keeping; if it cannot be kept, why the try stopped is still the news.
            if let Err(also) = checkpoint::save(attempt, &job.claims, &job.part).await {
                tracing::warn!(job = %attempt.id, ?also, "last checkpoint failed");
            }
            return Err(stop.into());
        }
        Err(restart) => return Err(restart),
    }
    attempt.step(Step::Transferred);
    finish::run(attempt, source, &job, pending).await.map_err(Halt::Stop)
}
