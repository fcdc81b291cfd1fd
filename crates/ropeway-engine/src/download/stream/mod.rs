//! A file whose bytes go to a stream, in order and over one connection: to a pipe there is no way back.
//!
//! What was handed on cannot be taken back, so that an answer counts only where it continues that byte for byte. What is
//! done about one that does not come is what any download does.

mod pass;
mod sent;
mod way;

use std::{future::Future, sync::Arc, time::Duration};

use ropeway_drivers::{CookieJar, DriverError};
use ropeway_flow::throttle::Bucket;
use ropeway_model::{Failure, FailureCode, JobSpec, Retry, SafeUrl};
use ropeway_store::Verification;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use self::{sent::Sent, way::Ask};
use super::{mirrors::Mirrors, proof, worker_error::WorkerError};
use crate::{
    attempt::{Stop, is_hopeless, most_tries},
    config::Scope,
    core::Core,
    engine::{PipeProgress, Piped},
    hosts::HostKey,
    progress::Progress,
    retry,
};

/// What takes the bytes.
type Sink<'a> = &'a mut (dyn AsyncWrite + Unpin + Send);

/// A file on its way to a stream.
pub(crate) struct Streamed<'a> {
    core: &'a Core,
    spec: &'a JobSpec,
    from: &'a SafeUrl,
    told: PipeProgress<'a>,
    cookies: Arc<CookieJar>,
    bucket: Arc<Bucket>,
    progress: Progress,
}

/// Why an answer did not bring the file to its end.
enum Broken {
    /// Nothing may move now: what was handed on counts, and no try does.
    Stilled,
    /// As a try of a job ends.
    Stop(Stop),
    /// The rest cannot be had there by asking for it.
    Unranged,
    /// It ended before the file did: a server may send no more at a time.
    Short,
    /// What comes is not what was handed on.
    Differs,
    /// The reader of the stream is gone.
    Gone(std::io::Error),
}

impl<T: Into<Stop>> From<T> for Broken {
    fn from(stop: T) -> Self {
        Self::Stop(stop.into())
    }
}

impl<'a> Streamed<'a> {
    /// The file `from`, as `spec` wants it. `told` is told how many bytes of how many were handed on.
    pub(crate) fn new(core: &'a Core, spec: &'a JobSpec, from: &'a SafeUrl, told: PipeProgress<'a>) -> Self {
        let bucket = Arc::new(Bucket::new(spec.rate_limit));
        Self { core, spec, from, told, cookies: Arc::default(), bucket, progress: Progress::new(None, 0) }
    }

    /// Writes the file to `sink`.
    ///
    /// # Errors
    /// What a job would fail with; [`FailureCode::RemoteChanged`] where only another version can be had by now.
    pub(crate) async fn run(&self, sink: Sink<'_>) -> Result<Piped, Failure> {
        let mut sent = Sent::default();
        let mut tries = 0;
        loop {
            self.until_moving().await?;
            let before = sent.offset;
            let stop = match self.attempt(&mut sent, sink).await {
                Ok(()) => break,
                Err(Broken::Stilled) => continue,
                Err(Broken::Gone(error)) => return Err(gone(&error)),
                Err(Broken::Unranged | Broken::Differs) => return Err(self.changed()),
                Err(Broken::Short) => WorkerError::Short.into_stop(self.from),
                Err(Broken::Stop(stop)) => stop,
            };
            let has_moved = sent.offset > before;
            tries = if has_moved { 1 } else { tries + 1 };
            let (failure, retry) = told(stop);
            match self.pause(&sent, &failure, retry, tries, has_moved) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(failure),
            }
        }
        sink.flush().await.map_err(|error| gone(&error))?;
        self.proved(sent)
    }

    /// One try: what is missing, from whichever address gives it.
    async fn attempt(&self, sent: &mut Sent, sink: Sink<'_>) -> Result<(), Broken> {
        let mirrors = Mirrors::of(self.spec);
        let mut ask = Ask::next(self.from, sent);
        loop {
            let before = sent.offset;
            match self.pass(&ask, sent, sink).await {
                Ok(()) => return Ok(()),
                Err(Broken::Short) if sent.offset > before => ask = Ask::next(self.from, sent),
                Err(broken) => ask = self.instead(&mirrors, &ask, sent, broken, sent.offset > before)?,
            }
        }
    }

    /// The pause before the next try; `None` where there is to be none.
    fn pause(&self, sent: &Sent, failure: &Failure, retry: Retry, tries: u32, has_moved: bool) -> Option<Duration> {
        let is_first_contact = sent.source.is_none() && self.core.scope == Scope::Once;
        let retry = if is_hopeless(self.core, &self.progress, failure) { Retry::Never } else { retry };
        let most = most_tries(self.core, is_first_contact);
        let pause = retry::delay(retry, tries, most, self.core.rng.uniform())?;
        // What moved bytes is no repetition.
        let turn = (!has_moved).then(|| self.core.hosts.retry_wait(&HostKey::of(self.from)));
        Some(pause.max(turn.unwrap_or_default()))
    }

    /// Waits while the schedule lets nothing move.
    async fn until_moving(&self) -> Result<(), Failure> {
        // It does not close before the engine is gone.
        drop(self.core.timetable.pauses.subscribe().wait_for(|pauses| !pauses).await);
        self.core.refuse_held().map_err(|held| held.failure())
    }

    /// What `step` yields, unless nothing may move any more before it does.
    async fn unless_stilled<T>(&self, step: impl Future<Output = T>) -> Result<T, Broken> {
        tokio::select! {
            biased;
            () = self.core.until_stilled() => Err(Broken::Stilled),
            done = step => Ok(done),
        }
    }

    fn proved(&self, sent: Sent) -> Result<Piped, Failure> {
        let length = sent.offset;
        proof::has_length(self.spec, length).map_err(|stop| told(stop).0)?;
        let digests = sent.digests.finish();
        let announced = sent.source.as_ref().and_then(|source| source.announced.as_ref());
        let checked = proof::hold(&digests, announced, self.spec);
        let checked = checked.map_err(|mismatch| {
            let message = format!("{mismatch}; the bytes have been handed on already");
            Failure::new(FailureCode::DigestMismatch, message)
        })?;
        let unchecked = if sent.length.is_some() { Verification::Length } else { Verification::Unverified };
        Ok(Piped { length, digest: digests.into_iter().next(), verification: checked.unwrap_or(unchecked) })
    }

    fn changed(&self) -> Failure {
        let message =
            format!("{} sends another version now, and the beginning of the one before is written", self.from);
        Failure::new(FailureCode::RemoteChanged, message)
    }
}

/// What a stop tells of the try, and whether there is another one.
fn told(stop: Stop) -> (Failure, Retry) {
    match stop {
        Stop::Failed { failure, retry, .. } | Stop::NoFile { failure, retry } => (failure, retry),
        Stop::RedirectedTo { failure, .. } => (failure, Retry::Backoff),
        Stop::Blocked { failure, .. } => (failure, Retry::Never),
        Stop::Interrupted => (DriverError::Canceled.failure(), Retry::Never),
    }
}

fn gone(error: &std::io::Error) -> Failure {
    Failure::new(FailureCode::DiskFailed, format!("the stream takes no more bytes: {error}"))
}
