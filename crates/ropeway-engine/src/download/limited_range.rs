//! Under a limit: asking for no more than has been paid for.

use ropeway_drivers::DriverError;
use ropeway_model::ByteRange;

use super::{
    receive::Open,
    slots::HostSlot,
    worker::{self, SharedDownload},
    worker_error::WorkerError,
};
use crate::claims::Claim;

/// Pays for the portion of what is missing that a limit lets through at once, of which `credit` bytes have been paid for
/// already; `None` where all of it may be asked for.
pub(super) async fn reserve(
    job: &SharedDownload,
    claim: &Claim,
    missing: ByteRange,
    credit: u64,
) -> Result<Option<ByteRange>, WorkerError> {
    loop {
        let Some(portion) = of(job, missing) else { return Ok(None) };
        if pay(job, claim, portion.len().saturating_sub(credit)).await? == Paid::All {
            return Ok(Some(portion));
        }
    }
}

/// Asks for the portion that has been paid for, or for all that is missing.
pub(super) async fn ask(
    job: &SharedDownload,
    claim: &Claim,
    host_slot: &mut HostSlot,
    missing: ByteRange,
    portion: Option<ByteRange>,
) -> Result<Open, WorkerError> {
    let Some(portion) = portion else {
        let front = job.claims.front(missing);
        return Ok(Open::whole(worker::request(job, claim, host_slot, front, false).await?, front.start()));
    };
    let stream = worker::request(job, claim, host_slot, portion, true).await?;
    Ok(Open { stream, at: portion.start(), paid: Some(portion.len()) })
}

/// Payment for bytes, made or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paid {
    All,
    /// The limit became another one meanwhile: what is right under the old one may be a burst under the new one.
    Nothing,
}

/// Bytes of the portion that follows one of `paid` bytes.
pub(super) fn next_len(job: &SharedDownload, missing: ByteRange, paid: u64) -> Option<u64> {
    let rest = ByteRange::new(missing.start().saturating_add(paid), missing.end()).ok()?;
    of(job, rest).map(ByteRange::len)
}

/// The front of what is missing that a limit lets through at once; `None` where all of it may be asked for.
fn of(job: &SharedDownload, missing: ByteRange) -> Option<ByteRange> {
    if missing.is_open_ended() || job.range_support.refuses_ranges() {
        return None;
    }
    let length = job.throttle.portion(job.slots.working(), job.range_support.last_answer())?;
    ByteRange::new(missing.start(), missing.end().min(missing.start().saturating_add(length))).ok()
}

/// Leaves a long answer for portions, if the server serves them. A limit came, or the first answer is the whole file.
/// The same answer comes back where it does not; a link that works once has only that.
pub(super) async fn switch_to_ranges(
    job: &SharedDownload,
    claim: &Claim,
    host_slot: &mut HostSlot,
    open: Open,
) -> Option<Open> {
    // What its buffers hold has come over the line, and is not read any more. Where this wait is ended, so is the next.
    if pay(job, claim, job.context.ahead()).await.is_err() || job.range_support.serves_ranges() {
        return None;
    }
    let missing = job.claims.missing(claim)?;
    let portion = async {
        let portion = reserve(job, claim, missing, 0).await?;
        ask(job, claim, host_slot, missing, portion).await
    };
    match portion.await {
        Ok(portion) => Some(portion),
        Err(error) => {
            tracing::debug!(job = %job.url, ?error, "the limit holds on one connection only");
            job.range_support.refuse_ranges();
            Some(open)
        }
    }
}

/// Whether an answer that nobody paid for is worth leaving: it has yielded a portion, and more than that is missing.
pub(super) fn is_long(job: &SharedDownload, claim: &Claim, yielded: u64) -> bool {
    if !job.throttle.is_limited() {
        return false;
    }
    let Some(missing) = job.claims.missing(claim) else { return false };
    of(job, missing).is_some_and(|portion| yielded >= portion.len() && missing.len() > portion.len())
}

/// Waits for the throttle. The line is not to blame for that silence.
pub(super) async fn pay(job: &SharedDownload, claim: &Claim, bytes: u64) -> Result<Paid, WorkerError> {
    if bytes == 0 {
        return Ok(Paid::All);
    }
    job.claims.set_paying(claim, true);
    let paid = pay_ahead(job, claim, bytes).await;
    job.claims.set_paying(claim, false);
    paid
}

/// Waits for the throttle while bytes that were paid for before are on their way.
pub(super) async fn pay_ahead(job: &SharedDownload, claim: &Claim, bytes: u64) -> Result<Paid, WorkerError> {
    if bytes == 0 {
        return Ok(Paid::All);
    }
    tokio::select! {
        biased;
        () = claim.leave.cancelled() => Err(DriverError::Canceled.into()),
        () = job.throttle.changed() => Ok(Paid::Nothing),
        () = job.throttle.take(bytes) => Ok(Paid::All),
    }
}
