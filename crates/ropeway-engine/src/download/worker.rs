//! One connection's work: fetch a segment from where it stands to its end, then look for another one.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use parking_lot::Mutex;
use ropeway_drivers::{ByteStream, Context, Driver, DriverError};
use ropeway_model::{FailureCode, SafeUrl, Validation, Validator};

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
    /// Signals that a request for a range was answered with that range.
    pub(super) opened: tokio::sync::Notify,
    /// How surely the latest answer belongs to the version on disk.
    pub(super) verdict: Mutex<Option<Validation>>,
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

/// Fetches the segment to its end, with as many requests as the server makes of it.
async fn fetch(job: &Job, segment: u64, mut body: Option<ByteStream>) -> Result<(), Trouble> {
    while let Some(missing) = job.claims.missing(segment) {
        let stream = match body.take() {
            Some(stream) => stream,
            None => request(job, missing).await?,
        };
        let before = missing.len();
        let ended = drain(job, segment, stream).await?;
        match job.claims.missing(segment) {
            Some(left) if left.is_open_ended() && ended => {
                job.claims.close(left.start())?;
                job.progress.set_length(Some(left.start()));
            }
            Some(left) if left.len() == before => return Err(Trouble::Short),
            _ => {}
        }
    }
    Ok(())
}

async fn request(job: &Job, missing: ropeway_model::ByteRange) -> Result<ByteStream, Trouble> {
    let download = job.driver.download().ok_or(Trouble::Short)?;
    let request = download.fetch(&job.context, &job.url, missing, Some(&job.validator));
    let fetched = tokio::select! {
        fetched = tokio::time::timeout(LONGEST_SILENCE, request) => fetched.map_err(|_| Trouble::Silent)??,
        () = job.context.cancel.cancelled() => return Err(DriverError::Canceled.into()),
    };
    let now = fetched.validator;
    let verdict = job.validator.compare(&now);
    *job.verdict.lock() = Some(verdict);
    if verdict == Validation::Changed {
        let (url, had) = (job.url.clone(), Box::new(job.validator.clone()));
        return Err(DriverError::RemoteChanged { url, had, now: Box::new(now) }.into());
    }
    job.opened.notify_one();
    Ok(fetched.body)
}

/// Writes what the stream yields into the segment; `true` if the stream ended by itself.
async fn drain(job: &Job, segment: u64, mut stream: ByteStream) -> Result<bool, Trouble> {
    let _connected = job.progress.connected();
    loop {
        let next = tokio::select! {
            next = tokio::time::timeout(LONGEST_SILENCE, stream.next()) => next.map_err(|_| Trouble::Silent)?,
            () = job.context.cancel.cancelled() => return Err(DriverError::Canceled.into()),
        };
        let Some(chunk) = next else { return Ok(true) };
        let chunk = chunk?;
        let mut rest = &*chunk;
        while !rest.is_empty() {
            let slice = rest.len().min(job.throttle.slice(rest.len()));
            let (now, later) = rest.split_at_checked(slice).unwrap_or((rest, &[]));
            tokio::select! {
                () = job.throttle.take(now.len() as u64) => {}
                () = job.context.cancel.cancelled() => return Err(DriverError::Canceled.into()),
            }
            if !write(job, segment, now)? {
                return Ok(false);
            }
            rest = later;
        }
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
