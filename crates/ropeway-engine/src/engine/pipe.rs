//! A download whose bytes go to a stream, in order and over one connection: to a pipe there is no way back.

use std::{future::Future, sync::Arc};

use futures_util::StreamExt as _;
use ropeway_drivers::{ByteStream, Context, Driver, DriverError};
use ropeway_model::{ByteRange, Digest, Failure, FailureCode, FileName, JobSpec, Retry, SafeUrl, Transfer, Validator};
use ropeway_store::Verification;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::Engine;
use crate::{
    attempt,
    checksum::Hasher,
    download::trouble::{is_made_anew, patience},
    hosts::HostKey,
    retry,
    throttle::{Bucket, Throttle},
};

/// Bytes that were written last and are asked for once more: whatever the server says of its version, they must be the same.
const OVERLAP: usize = 4096;

/// A file that has been handed to a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piped {
    /// Its bytes.
    pub length: u64,
    /// Its digest, where one was wanted.
    pub digest: Option<Digest>,
    /// How it was proved.
    pub verification: Verification,
}

/// How far a file is on its way to a stream.
pub type PipeProgress<'a> = &'a (dyn Fn(u64, Option<u64>) + Send + Sync);

/// Why a pass over the file ended before its end.
enum Stop {
    /// The network or the server.
    Driver(DriverError),
    /// The reader of the stream is gone, or another reason for which no further pass helps.
    Final(Failure),
    /// Nothing may move now: what was handed on counts, and no try is.
    Stilled,
    /// The server cannot go on where the last pass stopped.
    FromStart,
}

impl From<DriverError> for Stop {
    fn from(error: DriverError) -> Self {
        Self::Driver(error)
    }
}

/// What has been handed on.
struct Sent {
    offset: u64,
    /// Of all of it: what comes again is compared with it.
    prefix: blake3::Hasher,
    tail: Vec<u8>,
    digest: Option<Hasher>,
    /// Where it came from and which version it is of.
    source: Option<(SafeUrl, Validator)>,
    /// Whether its server makes it for whoever asks, and serves no rest of it.
    is_made_anew: bool,
}

/// Bytes of an answer that were handed on before and are only compared.
enum Again {
    Nothing,
    /// The last ones.
    Tail(Vec<u8>),
    /// All of them.
    Prefix {
        left: u64,
        hasher: Box<blake3::Hasher>,
    },
}

impl Engine {
    /// Fetches the file of a download and writes its bytes to `sink`, in order; `progress` is told how many of how many.
    /// A connection that breaks is replaced, and what was written last must come again the same.
    ///
    /// # Errors
    /// What a job with this specification would fail with; [`FailureCode::StateFailed`] while no job may start;
    /// [`FailureCode::DiskFailed`] if the stream takes no more.
    pub async fn pipe(
        &self,
        spec: &JobSpec,
        sink: &mut (dyn AsyncWrite + Unpin + Send),
        progress: PipeProgress<'_>,
    ) -> Result<Piped, Failure> {
        let Transfer::Download { from, .. } = &spec.transfer else {
            return Err(Failure::new(FailureCode::Internal, "an upload was run as a download".to_owned()));
        };
        let driver = self.core.drivers.for_download(from).map_err(|error| error.failure())?;
        let pipe = Pipe { engine: self, spec, from, driver, progress };
        pipe.run(sink).await
    }
}

struct Pipe<'a> {
    engine: &'a Engine,
    spec: &'a JobSpec,
    from: &'a SafeUrl,
    driver: Arc<dyn Driver>,
    progress: PipeProgress<'a>,
}

impl Pipe<'_> {
    async fn run(&self, sink: &mut (dyn AsyncWrite + Unpin + Send)) -> Result<Piped, Failure> {
        let algorithm = self.spec.checksum.as_ref().map(Digest::algorithm).or(self.spec.digest);
        let mut sent = Sent {
            offset: 0,
            prefix: blake3::Hasher::new(),
            tail: Vec::new(),
            digest: algorithm.map(Hasher::new),
            source: None,
            is_made_anew: false,
        };
        let (mut attempts, mut from_start) = (0, false);
        loop {
            self.until_moving().await?;
            let before = sent.offset;
            let (failure, class) = match self.pass(&mut sent, sink, from_start).await {
                Ok(()) => break,
                Err(Stop::Final(failure)) => return Err(failure),
                Err(Stop::Stilled) => continue,
                Err(Stop::FromStart) if !from_start => {
                    from_start = true;
                    continue;
                }
                Err(Stop::FromStart) => (self.changed(), Retry::Never),
                // Where a redirect led may be no good any more; the user's own address may be.
                Err(Stop::Driver(error)) if error.retry() == Retry::Never && before > 0 && !from_start => {
                    from_start = true;
                    continue;
                }
                Err(Stop::Driver(error)) => (error.failure(), error.retry()),
            };
            from_start = false;
            attempts = if sent.offset > before { 1 } else { attempts + 1 };
            let most = if sent.offset > 0 { retry::MOST_ATTEMPTS } else { retry::MOST_FIRST_ATTEMPTS };
            match retry::delay(class, attempts, most, self.engine.core.chance.uniform()) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(failure),
            }
        }
        sink.flush().await.map_err(|error| gone(&error))?;
        self.proved(sent)
    }

    /// Waits while the schedule lets nothing move.
    async fn until_moving(&self) -> Result<(), Failure> {
        let core = &self.engine.core;
        // It does not close before the engine is gone.
        drop(core.timetable.pauses.subscribe().wait_for(|pauses| !pauses).await);
        core.refuse_held().map_err(|held| held.failure())
    }

    /// What `step` yields, unless nothing may move any more before it does.
    async fn unless_stilled<T>(&self, step: impl Future<Output = T>) -> Result<T, Stop> {
        tokio::select! {
            biased;
            () = self.engine.core.until_stilled() => Err(Stop::Stilled),
            done = step => Ok(done),
        }
    }

    /// One answer, from where the last one stopped or, with `from_start`, from the file's beginning.
    async fn pass(
        &self,
        sent: &mut Sent,
        sink: &mut (dyn AsyncWrite + Unpin + Send),
        from_start: bool,
    ) -> Result<(), Stop> {
        let core = &self.engine.core;
        let host = HostKey::of(self.from);
        let _permit = self.unless_stilled(core.hosts.permit(&host)).await?;
        let throttle = Throttle::new(
            Arc::new(Bucket::new(self.spec.rate_limit)),
            core.server_bucket(host.as_str()),
            Arc::clone(&core.downloads),
        );
        let context =
            Context { pace: throttle.tightest(), ..attempt::context(core, self.spec, core.stopping.child_token()) };
        let (mut body, mut again) = self.unless_stilled(self.open(&context, sent, from_start)).await??;
        let version = sent.source.as_ref().map(|(_, version)| version.clone()).unwrap_or_default();
        let (length, longest) = (version.length, patience(&version, !sent.is_made_anew, false));
        loop {
            let next = self.unless_stilled(tokio::time::timeout(longest, body.next())).await?;
            let silent = || DriverError::Silent { host: self.from.host(), waited_s: longest.as_secs() };
            let next = next.map_err(|_| silent())?;
            let Some(chunk) = next else { break };
            let chunk = chunk?;
            let fresh = again.compare(&chunk, sent).ok_or_else(|| Stop::Final(self.changed()))?;
            if fresh.is_empty() {
                continue;
            }
            // Not while it writes: what the sink has taken must be counted.
            self.unless_stilled(throttle.take(fresh.len() as u64)).await?;
            sink.write_all(fresh).await.map_err(|error| Stop::Final(gone(&error)))?;
            sent.take(fresh);
            (self.progress)(sent.offset, length);
            if length.is_some_and(|length| sent.offset >= length) {
                return Ok(());
            }
        }
        match length {
            Some(length) if sent.offset < length => Err(Stop::Driver(DriverError::ConnectionLost {
                host: self.from.host(),
                reason: format!("it ended after {} of {length} bytes", sent.offset),
            })),
            _ => Ok(()),
        }
    }

    async fn open(&self, context: &Context, sent: &mut Sent, from_start: bool) -> Result<(ByteStream, Again), Stop> {
        let unsupported = || DriverError::SchemeUnsupported { scheme: self.from.expose().scheme().to_owned() };
        let download = self.driver.download().ok_or_else(unsupported)?;
        if let Some((url, version)) =
            sent.source.clone().filter(|_| sent.offset > 0 && !from_start && !sent.is_made_anew)
        {
            let start = sent.offset - sent.tail.len() as u64;
            let want = version.length.and_then(|length| ByteRange::new(start, length).ok());
            let want = want.unwrap_or(ByteRange::from_start(start));
            let fetched = download.fetch(context, &url, want, Some(&version)).await.map_err(|error| match error {
                DriverError::RangeIgnored { .. } | DriverError::RangeUnsatisfiable { .. } => Stop::FromStart,
                DriverError::RemoteChanged { .. } => Stop::Final(error.failure()),
                other => Stop::Driver(other),
            })?;
            return Ok((fetched.body, Again::Tail(sent.tail.clone())));
        }
        let probe = download.probe(context, self.from).await?;
        let (asked, told) = (FileName::from_url(self.from.expose()), &probe.name);
        if probe.is_page && sent.offset == 0 && (asked.is_no_page() || told.is_no_page()) {
            let message = format!("{} sends a web page or an error message in the place of the file", probe.url);
            return Err(Stop::Final(Failure::new(FailureCode::UnexpectedContent, message)));
        }
        sent.is_made_anew = is_made_anew(&probe.validator, probe.offers_ranges);
        sent.source = Some((probe.url, probe.validator));
        let again = match sent.offset {
            0 => Again::Nothing,
            left => Again::Prefix { left, hasher: Box::new(blake3::Hasher::new()) },
        };
        Ok((probe.body, again))
    }

    fn proved(&self, sent: Sent) -> Result<Piped, Failure> {
        let length = sent.offset;
        let announced = sent.source.is_some_and(|(_, version)| version.length.is_some());
        let digest = sent.digest.map(Hasher::finish);
        let verification = match (&self.spec.checksum, &digest) {
            (Some(wanted), Some(had)) if wanted != had => {
                let message =
                    format!("its checksum is {had}, you gave {wanted}; the bytes have been handed on already");
                return Err(Failure::new(FailureCode::DigestMismatch, message));
            }
            (Some(_), _) => Verification::ChecksumGiven,
            (None, _) if announced => Verification::Length,
            (None, _) => Verification::Unverified,
        };
        Ok(Piped { length, digest, verification })
    }

    fn changed(&self) -> Failure {
        let message =
            format!("{} sends another version now, and the beginning of the one before is written", self.from);
        Failure::new(FailureCode::RemoteChanged, message)
    }
}

impl Sent {
    fn take(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        self.prefix.update(bytes);
        if let Some(digest) = &mut self.digest {
            digest.update(bytes);
        }
        self.tail.extend_from_slice(bytes);
        self.tail.drain(..self.tail.len().saturating_sub(OVERLAP));
    }
}

impl Again {
    /// What of `chunk` is new; `None` if what comes again is not what came before.
    fn compare<'a>(&mut self, chunk: &'a [u8], sent: &Sent) -> Option<&'a [u8]> {
        match self {
            Self::Nothing => Some(chunk),
            Self::Tail(tail) => {
                let (head, fresh) = chunk.split_at(tail.len().min(chunk.len()));
                if !tail.starts_with(head) {
                    return None;
                }
                tail.drain(..head.len());
                Some(fresh)
            }
            Self::Prefix { left, hasher } => {
                let (head, fresh) = chunk.split_at(chunk.len().min(usize::try_from(*left).unwrap_or(usize::MAX)));
                hasher.update(head);
                *left -= head.len() as u64;
                if *left == 0 {
                    let is_same = hasher.finalize() == sent.prefix.finalize();
                    *self = Self::Nothing;
                    return is_same.then_some(fresh);
                }
                Some(fresh)
            }
        }
    }
}

fn gone(error: &std::io::Error) -> Failure {
    Failure::new(FailureCode::DiskFailed, format!("the stream takes no more bytes: {error}"))
}
