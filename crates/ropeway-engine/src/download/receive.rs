//! From an answer's stream into the part file.

use std::pin::pin;

use futures_util::StreamExt as _;
use ropeway_drivers::{ByteStream, DriverError};
use ropeway_flow::buffers::Lease;
use tokio::time::Instant;

use super::{
    limited_range::{self, Paid},
    worker::SharedDownload,
    worker_error::WorkerError,
    write_buffer::WriteBuffer,
};
use crate::claims::Claim;

/// An answer that is being read.
pub(super) struct Open {
    pub(super) stream: ByteStream,
    /// Where in the file the next byte of the stream belongs.
    pub(super) at: u64,
    /// Bytes that were paid for before they were asked for. `None` where they are paid for as they come.
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
pub(super) async fn drain(
    job: &SharedDownload,
    claim: &Claim,
    lease: &mut Lease,
    mut open: Open,
) -> Result<Drained, WorkerError> {
    let mut buffer = WriteBuffer::new(open.at);
    let read = read(job, claim, lease, &mut open, &mut buffer).await;
    // What has come is kept, however the answer ended.
    if !buffer.save(job, claim).await? {
        return Ok(Drained::Segment);
    }
    Ok(match read? {
        Read::Stream => Drained::Stream,
        Read::Segment => Drained::Segment,
        Read::Limited => Drained::Limited(Box::new(open)),
    })
}

/// Why nothing more is read of an answer.
enum Read {
    Stream,
    Segment,
    Limited,
}

/// Gathers what the stream yields, and writes it in large pieces. What is left in `buffer` is not written yet.
async fn read(
    job: &SharedDownload,
    claim: &Claim,
    lease: &mut Lease,
    open: &mut Open,
    buffer: &mut WriteBuffer,
) -> Result<Read, WorkerError> {
    let is_paid = open.paid.is_some();
    let mut dismissed = pin!(claim.leave.cancelled());
    let mut yielded: u64 = 0;
    let mut heard = Instant::now();
    loop {
        if !is_paid && limited_range::is_long(job, claim, yielded) {
            return Ok(Read::Limited);
        }
        let longest = job.patience();
        let patience = buffer.due().unwrap_or(heard + longest);
        let next = tokio::select! {
            biased;
            () = &mut dismissed => return Err(DriverError::Canceled.into()),
            next = tokio::time::timeout_at(patience, open.stream.next()) => next,
        };
        let mut rest = match next {
            Ok(Some(chunk)) => chunk?,
            Ok(None) => return Ok(Read::Stream),
            Err(_) if buffer.due().is_none() => return Err(WorkerError::Silent(longest)),
            Err(_) if buffer.save(job, claim).await? => continue,
            Err(_) => return Ok(Read::Segment),
        };
        heard = Instant::now();
        yielded += rest.len() as u64;
        lease.note(rest.len());
        claim.haul.add(rest.len() as u64);
        while !rest.is_empty() {
            // An answer that is left for portions behind this chunk is left soon.
            let is_last = is_paid || job.range_support.serves_ranges();
            let slice = if is_last { rest.len() } else { rest.len().min(job.throttle.slice(rest.len())) };
            let now = rest.split_to(slice);
            if !is_paid && job.throttle.is_limited() {
                // It is here already: under a limit that has changed meanwhile it is paid for once more.
                while limited_range::pay(job, claim, now.len() as u64).await? == Paid::Nothing {}
            }
            open.at += now.len() as u64;
            buffer.push(now, heard);
            if is_enough(job, claim, lease, buffer) && !buffer.save(job, claim).await? {
                return Ok(Read::Segment);
            }
        }
    }
}

/// Whether what is gathered is to be written now: it is large, or has waited, or the segment needs no more.
fn is_enough(job: &SharedDownload, claim: &Claim, lease: &Lease, buffer: &WriteBuffer) -> bool {
    buffer.count() >= lease.write_size()
        || buffer.due().is_some_and(|due| due <= Instant::now())
        || job.claims.missing(claim).is_none_or(|missing| missing.end() <= buffer.end())
}
