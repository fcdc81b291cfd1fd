//! One connection's work: fetch a segment from where it stands to its end, then look for another one.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use parking_lot::Mutex;
use ropeway_drivers::{ByteStream, Context, Driver, DriverError};
use ropeway_model::{ByteRange, FailureCode, SafeUrl, Validation, Validator};
use tokio::time::Instant;

use super::line::Line;
use crate::{
    attempt::Stop,
    checksum::Follower,
    claims::Claims,
    disk::{DiskError, PartFile},
    progress::Progress,
    throttle::Throttle,
};

/// A connection that is silent for this long is given up. Only waiting for the network counts, never our own throttle.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// What all workers of one download share.
pub(super) struct Job {
    pub(super) context: Context,
    pub(super) driver: Arc<dyn Driver>,
    pub(super) url: SafeUrl,
    pub(super) validator: Validator,
    pub(super) part: Arc<dyn PartFile>,
    pub(super) claims: Arc<Claims>,
    pub(super) throttle: Throttle,
    pub(super) progress: Arc<Progress>,
    pub(super) follower: Option<Follower>,
    /// Whether an idle worker may take half of another one's segment.
    pub(super) may_split: bool,
    /// Connections the job is planned with.
    pub(super) connections: usize,
    /// How the server takes requests for ranges.
    pub(super) line: Line,
    /// Signals that a request for a range was answered with that range.
    pub(super) opened: tokio::sync::Notify,
    /// How surely the latest answer belongs to the version on disk.
    pub(super) verdict: Mutex<Option<Validation>>,
    /// What showed that the bytes on disk belong to this version, where its answers do not say so themselves.
    pub(super) proved: Option<Validation>,
}

/// Why a worker ended before its segment did.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The network or the server.
    Driver(DriverError),
    /// The disk: the whole job stops.
    Disk(DiskError),
    /// No byte for too long.
    Silent,
    /// The server ended the body cleanly before the end, without a byte of progress.
    Short,
    /// A mistake of ours.
    Segments(ropeway_model::SegmentError),
}

impl From<DriverError> for Trouble {
    fn from(error: DriverError) -> Self {
        Self::Driver(error)
    }
}

impl From<DiskError> for Trouble {
    fn from(error: DiskError) -> Self {
        Self::Disk(error)
    }
}

impl From<ropeway_model::SegmentError> for Trouble {
    fn from(error: ropeway_model::SegmentError) -> Self {
        Self::Segments(error)
    }
}

impl Trouble {
    /// What the whole try ends with when this was its last worker.
    pub(super) fn into_stop(self, url: &SafeUrl) -> Stop {
        match self {
            Self::Driver(error) => error.into(),
            Self::Disk(error) => error.into(),
            Self::Silent => Stop::failed(
                FailureCode::IdleTimeout,
                format!("{} sent nothing for {} s", url.host(), LONGEST_SILENCE.as_secs()),
            ),
            Self::Short => {
                Stop::failed(FailureCode::LengthMismatch, format!("{} ended before the file was whole", url.host()))
            }
            Self::Segments(error) => Stop::failed(FailureCode::Internal, error.to_string()),
        }
    }
}

/// An answer that is being read.
struct Open {
    stream: ByteStream,
    /// Bytes that were paid for before they were asked for; `None` where they are paid for as they come.
    paid: Option<u64>,
}

impl Open {
    /// An answer that is paid for as it is read.
    fn whole(stream: ByteStream) -> Self {
        Self { stream, paid: None }
    }
}

/// Why reading an answer came to its end.
enum Drained {
    /// The answer ended.
    Stream,
    /// The segment is complete.
    Segment,
    /// A limit is in force that this answer is too long for.
    Limited(ByteStream),
}

/// Works on `segment`, then on whatever is left to take. With a `body`, that is the file from byte 0.
/// Returns the segment it could not finish, with the reason.
pub(super) async fn run(job: Arc<Job>, segment: u64, body: Option<ByteStream>) -> Result<(), (u64, Trouble)> {
    let mut segment = segment;
    let mut body = body;
    loop {
        let finished = fetch(&job, segment, body.take()).await;
        job.claims.release(segment);
        finished.map_err(|trouble| (segment, trouble))?;
        match job.claims.claim(job.may_split) {
            Some(next) => segment = next,
            None => return Ok(()),
        }
    }
}

/// Fetches the segment to its end, with as many requests as the server, or a limit, makes of it.
async fn fetch(job: &Job, segment: u64, body: Option<ByteStream>) -> Result<(), Trouble> {
    let mut open = body.map(Open::whole);
    let mut credit = 0;
    while let Some(missing) = job.claims.missing(segment) {
        let stream = match open.take() {
            Some(stream) => stream,
            None => next(job, missing, std::mem::take(&mut credit)).await?,
        };
        let before = missing.len();
        // The next portion is paid for while this one comes, so that a slow line does not make the limit tighter.
        let ahead = stream.paid.and_then(|paid| portion_behind(job, missing, paid)).unwrap_or(0);
        let (drained, ()) = tokio::try_join!(drain(job, segment, stream), pay(job, ahead))?;
        credit = ahead;
        match drained {
            Drained::Segment => return Ok(()),
            Drained::Limited(stream) => open = leave(job, segment, stream).await,
            Drained::Stream => match job.claims.missing(segment) {
                Some(left) if left.is_open_ended() => {
                    job.claims.close(left.start())?;
                    job.progress.set_length(Some(left.start()));
                }
                Some(left) if left.len() == before => return Err(Trouble::Short),
                _ => {}
            },
        }
    }
    Ok(())
}

/// Asks for what is missing, or under a limit for a portion of it that has been paid for. `credit` bytes of it have been
/// already.
async fn next(job: &Job, missing: ByteRange, credit: u64) -> Result<Open, Trouble> {
    let Some(portion) = portion(job, missing) else { return Ok(Open::whole(request(job, missing).await?)) };
    pay(job, portion.len().saturating_sub(credit)).await?;
    Ok(Open { stream: request(job, portion).await?, paid: Some(portion.len()) })
}

/// Bytes of the portion that follows one of `paid` bytes.
fn portion_behind(job: &Job, missing: ByteRange, paid: u64) -> Option<u64> {
    let rest = ByteRange::new(missing.start().saturating_add(paid), missing.end()).ok()?;
    portion(job, rest).map(ByteRange::len)
}

/// The front of what is missing that a limit lets through at once; `None` where all of it may be asked for.
fn portion(job: &Job, missing: ByteRange) -> Option<ByteRange> {
    if missing.is_open_ended() || job.line.refuses_ranges() {
        return None;
    }
    let length = job.throttle.portion(job.connections, job.line.round_trip())?;
    ByteRange::new(missing.start(), missing.end().min(missing.start().saturating_add(length))).ok()
}

/// Leaves a long answer for portions, if the server serves them: a limit came, or the first answer is the whole file.
/// Its own stream comes back where it does not; a link that works once has only that.
async fn leave(job: &Job, segment: u64, stream: ByteStream) -> Option<Open> {
    if job.line.serves_ranges() {
        return None;
    }
    let missing = job.claims.missing(segment)?;
    match next(job, missing, 0).await {
        Ok(portion) => Some(portion),
        Err(trouble) => {
            tracing::debug!(job = %job.url, ?trouble, "the limit holds on one connection only");
            job.line.refuse_ranges();
            Some(Open::whole(stream))
        }
    }
}

async fn request(job: &Job, missing: ByteRange) -> Result<ByteStream, Trouble> {
    let download = job.driver.download().ok_or(Trouble::Short)?;
    let asked = Instant::now();
    let request = download.fetch(&job.context, &job.url, missing, Some(&job.validator));
    let fetched = tokio::select! {
        biased;
        () = job.context.cancel.cancelled() => return Err(DriverError::Canceled.into()),
        fetched = tokio::time::timeout(LONGEST_SILENCE, request) => fetched.map_err(|_| Trouble::Silent)??,
    };
    let now = fetched.validator;
    let verdict = job.validator.compare(&now);
    let shown = if verdict == Validation::Unverifiable { job.proved.unwrap_or(verdict) } else { verdict };
    *job.verdict.lock() = Some(shown);
    if verdict == Validation::Changed {
        let (url, had) = (job.url.clone(), Box::new(job.validator.clone()));
        return Err(DriverError::RemoteChanged { url, had, now: Box::new(now) }.into());
    }
    // A range from byte 0 may have been answered with the whole file.
    job.line.answered(asked.elapsed(), missing.start() > 0);
    job.opened.notify_one();
    Ok(fetched.body)
}

/// Writes what the stream yields into the segment until one of them ends, or until a limit wants portions.
async fn drain(job: &Job, segment: u64, open: Open) -> Result<Drained, Trouble> {
    let Open { mut stream, paid } = open;
    let is_paid = paid.is_some();
    let _connected = job.progress.connected();
    let mut yielded: u64 = 0;
    loop {
        if !is_paid && is_long(job, segment, yielded) {
            return Ok(Drained::Limited(stream));
        }
        let next = tokio::select! {
            biased;
            () = job.context.cancel.cancelled() => return Err(DriverError::Canceled.into()),
            next = tokio::time::timeout(LONGEST_SILENCE, stream.next()) => next.map_err(|_| Trouble::Silent)?,
        };
        let Some(chunk) = next else { return Ok(Drained::Stream) };
        let chunk = chunk?;
        yielded += chunk.len() as u64;
        let mut rest = &*chunk;
        while !rest.is_empty() {
            let slice = if is_paid { rest.len() } else { rest.len().min(job.throttle.slice(rest.len())) };
            let (now, later) = rest.split_at_checked(slice).unwrap_or((rest, &[]));
            if !is_paid {
                pay(job, now.len() as u64).await?;
            }
            if !write(job, segment, now)? {
                return Ok(Drained::Segment);
            }
            rest = later;
        }
    }
}

/// Whether an answer that nobody paid for is worth leaving: it has yielded a portion, and more than that is missing.
fn is_long(job: &Job, segment: u64, yielded: u64) -> bool {
    let Some(missing) = job.claims.missing(segment) else { return false };
    portion(job, missing).is_some_and(|portion| yielded >= portion.len() && missing.len() > portion.len())
}

async fn pay(job: &Job, bytes: u64) -> Result<(), Trouble> {
    if bytes == 0 {
        return Ok(());
    }
    tokio::select! {
        biased;
        () = job.context.cancel.cancelled() => Err(DriverError::Canceled.into()),
        () = job.throttle.take(bytes) => Ok(()),
    }
}

/// Writes bytes at the front of what the segment misses; `false` once the segment is complete.
fn write(job: &Job, segment: u64, bytes: &[u8]) -> Result<bool, Trouble> {
    // Asked anew for each write: another worker may have taken the tail meanwhile.
    let Some(missing) = job.claims.missing(segment) else { return Ok(false) };
    let room = usize::try_from(missing.len()).unwrap_or(usize::MAX);
    let wanted = bytes.get(..room.min(bytes.len())).unwrap_or(bytes);
    job.part.write_at(wanted, missing.start())?;
    let count = wanted.len() as u64;
    job.claims.advance(segment, count)?;
    job.progress.add_moved(count);
    if let Some(follower) = &job.follower {
        follower.reached(job.claims.contiguous_prefix());
    }
    Ok(wanted.len() < room)
}
