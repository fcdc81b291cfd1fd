//! From an answer's stream into the part file.

use std::pin::pin;

use futures_util::StreamExt as _;
use ropeway_drivers::{ByteStream, DriverError};

use super::{
    portion,
    trouble::{LONGEST_SILENCE, Trouble},
    worker::Job,
};
use crate::{
    buffers::Lease,
    claims::{Claim, Room},
};

/// An answer that is being read.
pub(super) struct Open {
    pub(super) stream: ByteStream,
    /// Where in the file the next byte of the stream belongs.
    pub(super) at: u64,
    /// Bytes that were paid for before they were asked for; `None` where they are paid for as they come.
    pub(super) paid: Option<u64>,
}

impl Open {
    /// An answer that is paid for as it is read.
    pub(super) fn whole(stream: ByteStream, at: u64) -> Self {
        Self { stream, at, paid: None }
    }
}

/// Why reading an answer came to its end.
pub(super) enum Drained {
    /// The answer ended.
    Stream,
    /// The segment is complete.
    Segment,
    /// A limit is in force that this answer is too long for.
    Limited(Box<Open>),
}

/// Writes what the stream yields into the segment until one of them ends, or until a limit wants portions.
pub(super) async fn drain(job: &Job, claim: &Claim, lease: &mut Lease, mut open: Open) -> Result<Drained, Trouble> {
    let is_paid = open.paid.is_some();
    let _connected = job.progress.connected();
    let mut dismissed = pin!(claim.leave.cancelled());
    let mut yielded: u64 = 0;
    loop {
        if !is_paid && portion::is_long(job, claim, yielded) {
            return Ok(Drained::Limited(Box::new(open)));
        }
        let next = tokio::select! {
            biased;
            () = &mut dismissed => return Err(DriverError::Canceled.into()),
            next = tokio::time::timeout(LONGEST_SILENCE, open.stream.next()) => next.map_err(|_| Trouble::Silent)?,
        };
        let Some(chunk) = next else { return Ok(Drained::Stream) };
        let chunk = chunk?;
        yielded += chunk.len() as u64;
        lease.note(chunk.len());
        let mut rest = &*chunk;
        while !rest.is_empty() {
            let slice = if is_paid { rest.len() } else { rest.len().min(job.throttle.slice(rest.len())) };
            let (now, later) = rest.split_at_checked(slice).unwrap_or((rest, &[]));
            if !is_paid && job.throttle.is_limited() {
                portion::pay(job, claim, now.len() as u64).await?;
            }
            if !write(job, claim, open.at, now)? {
                return Ok(Drained::Segment);
            }
            open.at += now.len() as u64;
            rest = later;
        }
    }
}

/// Writes what of `bytes`, which belong at `at`, is still missing; `false` once the segment is complete.
fn write(job: &Job, claim: &Claim, at: u64, bytes: &[u8]) -> Result<bool, Trouble> {
    // Asked anew for each write: another worker may have taken the tail meanwhile, or have been here first.
    let count = bytes.len() as u64;
    let own = match job.claims.reserve(claim, at, count) {
        Room::Write(own) => own,
        skipped @ (Room::Have | Room::Complete) => {
            job.progress.add_wasted(count);
            return Ok(skipped == Room::Have);
        }
    };
    let skip = usize::try_from(own.start() - at).unwrap_or(usize::MAX);
    let length = usize::try_from(own.len()).unwrap_or(usize::MAX);
    let wanted = bytes.get(skip..).and_then(|rest| rest.get(..length)).unwrap_or_default();
    job.part.write_at(wanted, own.start())?;
    let is_complete = job.claims.commit(claim, own)?;
    job.progress.add_moved(own.len());
    if own.len() < count {
        job.progress.add_wasted(count - own.len());
    }
    if let Some(follower) = &job.follower {
        follower.reached(job.claims.contiguous_prefix());
    }
    Ok(!is_complete)
}
