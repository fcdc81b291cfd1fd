//! Sending to a server that appends. Part goes behind part, each at the offset that the server names.

use std::{ops::RangeInclusive, time::Duration};

use ropeway_drivers::{Blame, DriverError, Held, Meaning, OpenUpload, Part, Sent};
use ropeway_model::{Digest, FailureCode, Retry, counted};
use ropeway_store::Verification;
use tokio::time::Instant;

use super::{
    Task,
    body::SourcePart,
    digests::SentDigests,
    ended_by, given_up,
    last_bytes::LastBytes,
    part_size::PartSize,
    proof::Proof,
    session::{self, Opened},
};
use crate::attempt::Stop;

/// Answers in a row that brought the upload no further before the try ends.
const MOST_IDLE: u32 = 3;

/// A file of which the server has acknowledged the last byte.
pub(super) struct Appended {
    pub(super) digests: Vec<Digest>,
    pub(super) verification: Verification,
}

/// One try at sending what the server does not have yet.
struct Appending<'a> {
    task: &'a Task<'a>,
    opened: Opened,
    size: PartSize,
    digests: SentDigests,
    /// Bytes that the server has.
    held: u64,
    /// Bytes that were handed to the network: a server that has more has those of somebody else.
    reached: u64,
    /// Answers in a row that brought it no further.
    idle: u32,
}

/// Sends the rest of the file in parts within `bounds`.
pub(super) async fn send(
    task: &Task<'_>,
    opened: Opened,
    bounds: &RangeInclusive<u64>,
    proof: &mut Proof<'_>,
) -> Result<Appended, Stop> {
    let _connected = task.attempt.progress.connected();
    let (held, reached) = (opened.held(), opened.sent_to);
    let failed = task.attempt.look(|entry| entry.state.attempts)?;
    let (size, digests) = (PartSize::new(bounds, failed), SentDigests::new(&task.algorithms()));
    let mut appending = Appending { task, opened, size, digests, held, reached, idle: 0 };
    task.attempt.progress.reach(held);
    while appending.held < task.source.stamp.length {
        appending.step(proof).await?;
    }
    // Of an empty file nothing was compared.
    let is_compared = appending.opened.compared == held.max(appending.held) && task.source.stamp.length > 0;
    let verification = if is_compared { Verification::ChecksumOfServer } else { Verification::Length };
    Ok(Appended { digests: appending.digests.take(task.source.stamp.length), verification })
}

impl Appending<'_> {
    /// Sends one part and takes the answer in.
    async fn step(&mut self, proof: &mut Proof<'_>) -> Result<(), Stop> {
        let Task { attempt, source, .. } = self.task;
        source.guard(attempt).await?;
        let length = source.stamp.length;
        let part = Part { offset: self.held, length: self.size.next().min(length - self.held) };
        let last = (part.offset + part.length == length).then(|| LastBytes::of(attempt, self.task.ending, false));
        let body = SourcePart::new(attempt, source, part, &self.digests, last);
        self.record(part.offset + part.length).await?;
        let began = Instant::now();
        let session = &self.opened.upload.session;
        let sent = self.task.stoppable(self.task.upload.send(self.task.context, session, part, &body)).await?;
        self.task.report(&session.url, sent.as_ref().err());
        self.reached = self.reached.max(attempt.progress.moved());
        match sent {
            Ok(sent) => self.acknowledged(part, sent, began.elapsed()),
            Err(error) => self.failed(part, error, proof).await,
        }
    }

    /// Records that bytes up to `end` are about to go out, before they do: what the server says it has behind them is none
    /// of this file.
    async fn record(&mut self, end: u64) -> Result<(), Stop> {
        let is_known = end <= self.opened.sent_to;
        self.opened.sent_to = self.opened.sent_to.max(end);
        if self.opened.upload.session.is_created && !is_known {
            self.task.attempt.save(session::record(self.task, &self.opened)).await?;
        }
        Ok(())
    }

    fn acknowledged(&mut self, part: Part, sent: Sent, took: Duration) -> Result<(), Stop> {
        let held = match sent.held {
            Held::Prefix(held) if held <= part.offset + part.length => held,
            Held::Nothing | Held::Prefix(_) => {
                let message = format!("{} does not say what it has of the file", self.task.attempt.spec.host());
                return Err(Stop::failed(FailureCode::BadResponse, message));
            }
        };
        self.size.acknowledged(held.saturating_sub(part.offset), took);
        if sent.receipt.is_compared && part.offset <= self.opened.compared {
            self.opened.compared = held;
        }
        let had = &self.opened.upload;
        let session = sent.session.unwrap_or_else(|| had.session.clone());
        if !had.session.is_created || session.url != had.session.url {
            self.task.lies_at(&session.url);
        }
        self.opened.upload = OpenUpload { session, layout: had.layout.clone(), held: sent.held };
        self.stand_at(held, None)
    }

    /// Takes in that the server has `held` bytes, after an error if there was one.
    fn stand_at(&mut self, held: u64, error: Option<DriverError>) -> Result<(), Stop> {
        let attempt = self.task.attempt;
        self.idle = if held > self.held { 0 } else { self.idle + 1 };
        self.held = held;
        self.opened.compared = self.opened.compared.min(held);
        attempt.progress.restart_at(held);
        attempt.progress.reach(held);
        // With it what was compared, if anything was.
        let is_recorded = self.opened.compared > 0 && self.opened.upload.session.is_created;
        let mut change = if is_recorded { session::record(self.task, &self.opened) } else { attempt.change(None) };
        change.durable = Some(held);
        attempt.engine.journal.note(change);
        match error {
            _ if self.idle <= MOST_IDLE => Ok(()),
            Some(error) => Err(error.into()),
            None => {
                let message = format!("{} answers and takes no more of the file", attempt.spec.host());
                Err(Stop::failed(FailureCode::BadResponse, message))
            }
        }
    }

    /// Begins a new upload in the place of one that is of no use any more.
    async fn begin_anew(&mut self, error: &DriverError, proof: &mut Proof<'_>) -> Result<(), Stop> {
        session::lost(self.task.attempt, error).await?;
        self.opened = session::create(self.task, proof).await?;
        self.digests = SentDigests::new(&self.task.algorithms());
        (self.held, self.reached) = (self.opened.held(), 0);
        Ok(())
    }

    /// Mends what can be mended within the try.
    async fn failed(&mut self, part: Part, error: DriverError, proof: &mut Proof<'_>) -> Result<(), Stop> {
        let attempt = self.task.attempt;
        match error.meaning() {
            Meaning::TooLarge if self.size.refused(part.length) => {
                attempt.log(format!("{error}: smaller parts are sent"));
                attempt.progress.restart_at(self.held);
                Ok(())
            }
            Meaning::Damaged => {
                attempt.log(format!("{error}: it is sent again"));
                self.stand_at(self.held, Some(error))
            }
            Meaning::OffsetMoved => {
                let asked = self.task.upload.open(
                    self.task.context,
                    self.task.to,
                    &self.task.source.meta,
                    Some(&self.opened.upload.session),
                );
                let upload = match self.task.stoppable(asked).await? {
                    Err(error) if error.meaning() == Meaning::SessionLost => {
                        return self.begin_anew(&error, proof).await;
                    }
                    asked => asked?,
                };
                self.opened.upload = upload;
                let held = self.opened.held();
                attempt.log(format!("{error}: it has {}", counted(held, "byte")));
                if held > self.reached {
                    return self.begin_anew(&session::foreign(&self.opened.upload.session), proof).await;
                }
                self.stand_at(held, Some(error))
            }
            Meaning::SessionLost => self.begin_anew(&error, proof).await,
            Meaning::NoFile | Meaning::TooLarge | Meaning::Other => {
                if matches!(error, DriverError::Body(_)) {
                    self.task.source.guard(attempt).await?;
                }
                let is_last = part.offset + part.length == self.task.source.stamp.length;
                if is_last && is_final(&error) {
                    // It may have all bytes and has refused the file: that it has them makes no success of that later.
                    given_up::end(self.task.upload, self.task.context, &self.opened.upload.session).await;
                    session::forget(attempt).await?;
                }
                Err(ended_by(error))
            }
        }
    }
}

/// Refusal of the file itself, which no login and no later try mends.
fn is_final(error: &DriverError) -> bool {
    error.blame() == Blame::Answered && error.retry() == Retry::Never && error.code() != FailureCode::Unauthorized
}
