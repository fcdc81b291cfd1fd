//! One connection's work. Fetch a segment from where it stands to its end, then look for another one.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use ropeway_drivers::{ByteStream, Context, Driver, DriverError, Handshake};
use ropeway_flow::{digest::Follower, disk::PartFile, throttle::Throttle};
use ropeway_model::{ByteRange, SafeUrl, SegmentMap, Validation, Validator};
use tokio::time::Instant;

use super::{
    limited_range::{self, Paid},
    mirrors::{MirrorLease, Mirrors},
    range_support::RangeSupport,
    receive::{self, Drained, Open},
    seam::{Promises, Seam},
    slots::{Connection, HostSlot, WorkerSlots},
    soft::SoftLog,
    worker_error::{self, LONGEST_SILENCE, WorkerError, WorkerExit},
};
use crate::{
    blocks::Ledger,
    claims::{Claim, Claims, Haul, Terms},
    hosts::{HostKey, Hosts, Outcome},
    plan,
    progress::Progress,
};

/// Download as all its workers share it.
pub(super) struct SharedDownload {
    pub(super) context: Context,
    pub(super) driver: Arc<dyn Driver>,
    pub(super) url: SafeUrl,
    pub(super) validator: Validator,
    /// The addresses that requests go to.
    pub(super) mirrors: Arc<Mirrors>,
    pub(super) part: Arc<dyn PartFile>,
    /// Record of its bytes between two syncs.
    pub(super) soft: SoftLog,
    pub(super) claims: Arc<Claims>,
    pub(super) throttle: Throttle,
    pub(super) progress: Arc<Progress>,
    pub(super) follower: Option<Follower>,
    /// True where an idle worker may split another one's segment.
    pub(super) may_split: bool,
    /// Slots of its workers.
    pub(super) slots: Arc<WorkerSlots>,
    /// Servers, as known over all jobs.
    pub(super) servers: Hosts,
    /// The one whose version is fetched.
    pub(super) server: HostKey,
    /// Support for ranges of the server.
    pub(super) range_support: RangeSupport,
    /// Signals that a request for a range was answered with that range.
    pub(super) opened: tokio::sync::Notify,
    /// Held by the worker that writes into the part file.
    pub(super) writing: tokio::sync::Mutex<()>,
    /// Evidence that the latest answer is of the version on disk.
    pub(super) verdict: Mutex<Option<Validation>>,
    /// What showed that the bytes on disk belong to this version, where its answers do not say so themselves.
    pub(super) proved: Option<Validation>,
    /// Bytes that were in place before and come again. What is claimed of the file holds them all the same, as what is
    /// written there is what was there.
    pub(super) reopened: Vec<ByteRange>,
    /// Bytes that have to be written at some places.
    pub(super) promises: Promises,
    /// Which blocks have a recorded digest; `None` where none is kept.
    pub(super) ledger: Option<Mutex<Ledger>>,
}

impl SharedDownload {
    /// Which bytes of the file are in place.
    pub(super) fn in_place(&self) -> SegmentMap {
        let map = self.claims.coalesced();
        if self.reopened.is_empty() { map } else { map.with(&self.reopened) }
    }

    /// Takes note of bytes that were written.
    pub(super) fn note_written(&self, own: ByteRange) {
        let inside = |had: &ByteRange| had.end().min(own.end()).saturating_sub(had.start().max(own.start()));
        let again: u64 = self.reopened.iter().map(inside).sum();
        self.progress.add_moved(own.len() - again);
        self.progress.add_wasted(again);
    }

    /// Longest silence of an answer.
    pub(super) fn patience(&self) -> Duration {
        worker_error::patience(&self.validator, self.range_support.serves_ranges(), self.range_support.refuses_ranges())
    }

    /// Takes a segment for a worker, if there is anything worth a connection.
    ///
    /// Without a connection that is open, which has brought its `haul`, one is made.
    pub(super) fn claim(&self, haul: Option<&Arc<Haul>>) -> Option<Claim> {
        let way = self.range_support.way();
        let terms = Terms {
            // What nobody was answered for in time is not cut off the one answer again, before it is known that others come.
            may_split: self.may_split && (self.range_support.serves_ranges() || !self.claims.is_outrun()),
            // Under a limit of our own nothing is faster for being fetched twice.
            may_hedge: self.range_support.serves_ranges() && !self.throttle.is_limited(),
            worth: plan::worth(way.round_trip),
            least_gain: plan::least_gain(way.round_trip),
            delay: if haul.is_some() { self.range_support.asking() } else { self.range_support.cold() },
            opening: way.opening,
        };
        let claim = self.claims.claim(terms, haul, &self.context.cancel)?;
        tracing::trace!(url = %self.url, segment = claim.segment, is_hedge = claim.is_hedge, "segment claimed");
        Some(claim)
    }
}

/// Works on `claim`, then on whatever is left to take. With a `body`, that is the file from byte 0.
pub(super) async fn run(
    job: Arc<SharedDownload>,
    mut connection: Connection,
    mut claim: Claim,
    mut body: Option<ByteStream>,
) -> Result<(), WorkerExit> {
    let mut was_served = false;
    loop {
        let had = job.claims.missing(&claim);
        let is_open = match fetch(&job, &claim, &mut connection, body.take()).await {
            Ok(is_open) => {
                job.claims.release(&claim);
                is_open
            }
            // Only sent away from this segment: somebody else is at it, or a fresh connection will be. What was not begun
            // goes back to the answer that it was cut from.
            Err(WorkerError::Driver(DriverError::Canceled)) if !job.context.cancel.is_cancelled() => {
                job.claims.give_back(&claim);
                false
            }
            Err(error) => {
                let has_moved = job.claims.missing(&claim).map(ByteRange::start) != had.map(ByteRange::start);
                let is_covered = (error.is_final() || error.is_refusal()) && job.claims.give_back(&claim);
                job.claims.release(&claim);
                let server = connection.host_slot.server().clone();
                return Err(WorkerExit { server, is_covered, was_served, has_moved, error });
            }
        };
        was_served = true;
        if connection.slot.leave_if_crowded() {
            return Ok(());
        }
        match job.claim(Some(&claim.haul).filter(|_| is_open)) {
            Some(next) => claim = next,
            None => return Ok(()),
        }
    }
}

/// Fetches the segment to its end, with as many requests as the server, or a limit, makes of it. Whether the connection is
/// good for another one: not where the last answer goes on behind the segment, which was cut meanwhile.
async fn fetch(
    job: &SharedDownload,
    claim: &Claim,
    connection: &mut Connection,
    body: Option<ByteStream>,
) -> Result<bool, WorkerError> {
    let Connection { lease, host_slot, connected, .. } = connection;
    let mut open = body.map(|body| Open::whole(body, 0));
    if open.is_some() {
        claim.haul.ask();
        job.claims.answered(claim);
    }
    let mut credit = 0;
    let mut asked_to = job.range_support.length().or_else(|| job.progress.length());
    while let Some(missing) = job.claims.missing(claim) {
        let opened = open.take();
        let portion = match &opened {
            Some(_) => None,
            None => limited_range::reserve(job, claim, missing, std::mem::take(&mut credit)).await?,
        };
        let before = missing.len();
        // The next portion is paid for while this one is asked for and comes, so that a distant server does not make
        // the limit tighter.
        let paid = opened.as_ref().map_or(portion.map(ByteRange::len), |opened| opened.paid);
        let ahead = paid.and_then(|paid| limited_range::next_len(job, missing, paid)).unwrap_or(0);
        let drained = async {
            let stream = if let Some(stream) = opened {
                stream
            } else {
                asked_to = Some(portion.unwrap_or_else(|| job.claims.front(missing)).end());
                limited_range::ask(job, claim, host_slot, missing, portion).await?
            };
            connected.get_or_insert_with(|| job.progress.connected());
            let drained = receive::drain(job, claim, lease, stream).await;
            job.claims.set_paying(claim, ahead > 0);
            drained
        };
        let (drained, paid) = tokio::try_join!(biased; drained, limited_range::pay_ahead(job, claim, ahead))?;
        job.claims.set_paying(claim, false);
        credit = if paid == Paid::All { ahead } else { 0 };
        match drained {
            Drained::Segment => return Ok(asked_to == job.claims.end(claim)),
            Drained::Limited(stream) => open = limited_range::switch_to_ranges(job, claim, host_slot, *stream).await,
            Drained::Stream => match job.claims.missing(claim) {
                // Its end is known from the head of a part: this answer came to its own too early.
                Some(left)
                    if left.is_open_ended()
                        && left.start() == missing.start()
                        && job.range_support.length().is_some_and(|length| left.start() < length) =>
                {
                    return Err(WorkerError::Short);
                }
                Some(left)
                    if left.is_open_ended()
                        && job.range_support.length().is_some_and(|length| left.start() < length) => {}
                Some(left) if left.is_open_ended() => {
                    job.claims.close(left.start())?;
                    job.progress.set_length(Some(left.start()));
                }
                Some(left) if left.len() == before => return Err(WorkerError::Short),
                _ => {}
            },
        }
    }
    Ok(true)
}

/// Asks for what is missing. A mirror is asked, and where it is of no use another one. What `is_paid` is a portion
/// under a limit.
///
/// Each request goes to a server where this worker has a place among all connections.
pub(super) async fn request(
    job: &SharedDownload,
    claim: &Claim,
    host_slot: &mut HostSlot,
    missing: ByteRange,
    is_paid: bool,
) -> Result<ByteStream, WorkerError> {
    loop {
        let mirror = job.mirrors.take(|url| host_slot.moves_to(&job.servers, url));
        if HostKey::of(mirror.url()) != *host_slot.server() {
            tokio::select! {
                biased;
                () = claim.leave.cancelled() => return Err(DriverError::Canceled.into()),
                () = host_slot.wait_for(&job.servers, mirror.url()) => {}
            }
        }
        match continuation(job, claim, host_slot.server(), missing, is_paid, &mirror).await {
            Ok(body) => {
                return Ok(mirror.watch(body, missing.start(), claim.leave.clone(), job.context.cancel.clone()));
            }
            Err(error) if mirror.yields_to_another(&error) => {
                tracing::debug!(url = %mirror.url(), ?error, "mirror left for another");
            }
            Err(error) => return Err(error),
        }
    }
}

/// Asks one server for what is missing, and checks that its answer continues what is here.
async fn continuation(
    job: &SharedDownload,
    claim: &Claim,
    server: &HostKey,
    missing: ByteRange,
    is_paid: bool,
    mirror: &MirrorLease,
) -> Result<ByteStream, WorkerError> {
    loop {
        let lead = job.range_support.lead();
        let seam = Seam::before(job, missing, is_paid);
        if is_paid {
            limited_range::pay(job, claim, seam.lead()).await?;
        }
        let (asked, is_new) = (Instant::now(), claim.haul.ask());
        let (fetched, verdict, handshake) = ask(job, claim, seam.widen(missing), mirror).await?;
        let latency = asked.elapsed();
        job.claims.answered(claim);
        let body = match seam.pass(job, claim, mirror.url(), fetched).await {
            // The server sends less at a time than was to come again.
            Err(WorkerError::Short) if job.range_support.lead() < lead => continue,
            passed => passed?,
        };
        let is_told_by_bytes = verdict == Validation::Unverifiable && seam.is_compared();
        let verdict = if is_told_by_bytes { Validation::Overlap } else { verdict };
        // The bytes that are here belong to this version as surely as that was proved, whatever its answers say among
        // each other.
        *job.verdict.lock() = Some(job.proved.unwrap_or(verdict));
        // A range from byte 0 may have been answered with the whole file.
        job.range_support.answered(latency, handshake, is_new, missing.start() > 0);
        job.servers.report(server, Outcome::Answered { latency: Some(latency) });
        job.opened.notify_one();
        return Ok(body);
    }
}

/// An answer, how surely it is of the version that is fetched, and what is known of its connection.
type Asked = (ByteStream, Validation, Option<Handshake>);

/// Asks one server for a range, and checks that the answer is of the version that is being fetched.
async fn ask(job: &SharedDownload, claim: &Claim, want: ByteRange, mirror: &MirrorLease) -> Result<Asked, WorkerError> {
    job.servers.check_retry_after(mirror.url())?;
    let download = job.driver.download().ok_or(WorkerError::Short)?;
    let context = Context { cancel: claim.leave.clone(), ..job.context.clone() };
    let request = download.fetch(&context, mirror.url(), want, mirror.valid(&job.validator));
    let fetched = tokio::select! {
        biased;
        () = claim.leave.cancelled() => return Err(DriverError::Canceled.into()),
        fetched = tokio::time::timeout(LONGEST_SILENCE, request) => fetched.map_err(|_| WorkerError::Silent(LONGEST_SILENCE))?,
    };
    let fetched = fetched.inspect_err(|error| job.servers.record_retry_after(error))?;
    let now = fetched.validator;
    let verdict = mirror.accept(&now, &job.validator)?;
    if now.length.is_some_and(|length| !job.range_support.learn_length(length)) {
        let (url, had) = (mirror.url().clone(), Box::new(job.validator.clone()));
        return Err(DriverError::RemoteChanged { url, had, now: Box::new(now) }.into());
    }
    Ok((fetched.body, verdict, fetched.handshake))
}
