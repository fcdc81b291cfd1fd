//! Sending to a server that appends. Part goes behind part, each at the offset that the server names.

use std::ops::RangeInclusive;

use ropeway_drivers::{DriverError, Held, Meaning, OpenUpload, Part, Sent};
use ropeway_model::{Digest, FailureCode};
use ropeway_store::Verification;
use tokio::time::Instant;

use super::{
    Task,
    body::SourcePart,
    digests::SentDigests,
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
    /// Answers in a row that brought it no further.
    idle: u32,
}

/// Sends the rest of the file in parts of a length within `bounds`.
pub(super) async fn send(
    task: &Task<'_>,
    opened: Opened,
    bounds: &RangeInclusive<u64>,
    proof: &mut Proof<'_>,
) -> Result<Appended, Stop> {
    let _connected = task.attempt.progress.connected();
    let held = opened.held();
    let digests = SentDigests::new(&task.algorithms());
    let mut appending = Appending { task, opened, size: PartSize::new(bounds), digests, held, idle: 0 };
    while appending.held < task.source.stamp.length {
        appending.step(proof).await?;
    }
    // Of an empty file nothing was compared.
    let is_compared = appending.opened.is_compared && task.source.stamp.length > 0;
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
        let began = Instant::now();
        let session = &self.opened.upload.session;
        let sent = self.task.stoppable(self.task.upload.send(self.task.context, session, part, &body)).await?;
        self.task.report(&session.url, sent.as_ref().err());
        match sent {
            Ok(sent) => {
                if let Held::Prefix(held) = sent.held {
                    self.size.acknowledged(held.saturating_sub(part.offset), began.elapsed());
                }
                self.acknowledged(sent).await
            }
            Err(error) => self.failed(part, error, proof).await,
        }
    }

    async fn acknowledged(&mut self, sent: Sent) -> Result<(), Stop> {
        let Held::Prefix(held) = sent.held else {
            return Err(Stop::failed(FailureCode::BadResponse, "the server took a part and does not say what it has"));
        };
        let (was_created, was_compared) = (self.opened.upload.session.is_created, self.opened.is_compared);
        self.opened.is_compared &= sent.receipt.is_compared || held == self.held;
        let session = sent.session.unwrap_or_else(|| self.opened.upload.session.clone());
        let is_new = !was_created || session.url != self.opened.upload.session.url;
        let is_whole = held == self.task.source.stamp.length;
        // Nobody goes on with what is whole, and the first word of a server is worth no wait.
        if !is_whole && (is_new || was_compared != self.opened.is_compared) {
            self.task.attempt.save(session::record(self.task, &session, self.opened.is_compared)).await?;
        }
        if is_new {
            self.task.lies_at(&session.url);
        }
        self.opened.upload = OpenUpload { session, layout: self.opened.upload.layout.clone(), held: sent.held };
        self.stand_at(held)
    }

    /// Takes in that the server has `held` bytes.
    fn stand_at(&mut self, held: u64) -> Result<(), Stop> {
        let attempt = self.task.attempt;
        self.idle = if held > self.held { 0 } else { self.idle + 1 };
        self.held = held;
        attempt.progress.restart_at(held);
        let mut change = attempt.change(None);
        change.durable = Some(held);
        attempt.engine.journal.note(change);
        if self.idle > MOST_IDLE {
            let message = format!("{} answers and takes no more of the file", attempt.spec.host());
            return Err(Stop::failed(FailureCode::BadResponse, message));
        }
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
                self.stand_at(self.held)
            }
            Meaning::OffsetMoved => {
                let asked = self.task.upload.open(
                    self.task.context,
                    self.task.to,
                    &self.task.source.meta,
                    Some(&self.opened.upload.session),
                );
                self.opened.upload = self.task.stoppable(asked).await??;
                attempt.log(format!("{error}: it has {} bytes", self.opened.held()));
                self.stand_at(self.opened.held())
            }
            Meaning::SessionLost => {
                session::lost(attempt, &error).await?;
                self.opened = session::create(self.task, proof).await?;
                self.digests = SentDigests::new(&self.task.algorithms());
                self.held = self.opened.held();
                Ok(())
            }
            Meaning::NoFile | Meaning::TooLarge | Meaning::Other => {
                if matches!(error, DriverError::Body(_)) {
                    self.task.source.guard(attempt).await?;
                }
                Err(self.task.failure(error))
            }
        }
    }
}
