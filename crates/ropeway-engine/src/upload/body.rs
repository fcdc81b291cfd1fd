//! The bytes of a part: read from the source, throttled, hashed and counted on their way to the driver.

use std::{io, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use parking_lot::Mutex;
use ropeway_drivers::{Part, PartBody};
use ropeway_flow::{blocking::Blocking, digest::Hashers, disk::SourceFile, throttle::Throttle};
use ropeway_model::{Digest, Failure, FailureCode, Phase};
use ropeway_store::JobChange;

use super::ending::Ending;
use crate::{attempt::Attempt, journal::Journal, progress::Progress};

/// Read at a time where no limit asks for less: large enough for few system calls, small enough to stay in the cache
/// between reading, hashing and sending.
const LARGEST_BLOCK: usize = 128 << 10;

/// What the finished stream leaves its digests in.
pub(super) type DigestSlot = Arc<Mutex<Vec<Digest>>>;

/// A note that the last bytes are about to be sent. For an upload that must not be sent twice it is durable before they
/// are: whatever ends the process or the try from then on, the job is not taken up again by itself.
#[derive(Debug)]
pub(super) struct LastBytes {
    journal: Journal,
    record: Option<JobChange>,
    ending: Ending,
}

impl LastBytes {
    /// The note of a try, to be recorded where nobody but the user may repeat it.
    pub(super) fn of(attempt: &Attempt, ending: &Ending, is_recorded: bool) -> Self {
        let record = is_recorded.then(|| {
            let mut record = attempt.change(None);
            record.phase = Some(Phase::Failed { failure: unconfirmed() });
            record
        });
        Self { journal: attempt.engine.journal.clone(), record, ending: ending.clone() }
    }

    async fn take(self) -> io::Result<()> {
        if let Some(record) = self.record {
            self.journal.save(record).wait().await.map_err(io::Error::other)?;
        }
        self.ending.last_bytes();
        Ok(())
    }
}

/// Why a job stops that may have been carried out.
pub(super) fn unconfirmed() -> Failure {
    Failure::new(FailureCode::Unconfirmed, "the file was sent whole, and the try ended before the server had answered")
}

struct Reader {
    source: Arc<dyn SourceFile>,
    offset: u64,
    end: u64,
    hashers: Hashers,
    digests: DigestSlot,
    throttle: Throttle,
    progress: Arc<Progress>,
    blocking: Blocking,
    last: Option<LastBytes>,
}

/// The bytes of `part`, exactly as many as it has; an error if the source ends early.
pub(super) fn stream(
    attempt: &Attempt,
    source: &Arc<dyn SourceFile>,
    part: Part,
    hashers: Hashers,
    last: LastBytes,
) -> (PartBody, DigestSlot) {
    let digests = DigestSlot::default();
    let reader = Reader {
        source: Arc::clone(source),
        offset: part.offset,
        end: part.offset + part.length,
        hashers,
        digests: Arc::clone(&digests),
        throttle: attempt.throttle.clone(),
        progress: Arc::clone(&attempt.progress),
        blocking: attempt.engine.blocking.clone(),
        last: Some(last),
    };
    let blocks = stream::try_unfold(reader, |reader| async move {
        let next = reader.next().await?;
        Ok::<_, io::Error>(next)
    });
    (Box::pin(SyncStream(Mutex::new(Box::pin(blocks)))), digests)
}

impl Reader {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        let left = self.end - self.offset;
        let largest = usize::try_from(left).unwrap_or(usize::MAX).min(LARGEST_BLOCK);
        let wanted = self.throttle.slice(largest).min(largest);
        self.throttle.take(wanted as u64).await;
        if wanted as u64 == left
            && let Some(last) = self.last.take()
        {
            last.take().await?;
        }
        if left == 0 {
            self.finish();
            return Ok(None);
        }
        // Reading may block on a cold disk, hashing takes its time: neither belongs on a thread that serves others.
        let blocking = self.blocking.clone();
        let read = blocking.start(move || self.read(wanted)).await;
        read.map_err(io::Error::other)?
    }

    fn read(mut self, wanted: usize) -> io::Result<Option<(Bytes, Self)>> {
        let mut block = BytesMut::zeroed(wanted);
        let count = self.source.read_at(&mut block, self.offset).map_err(io::Error::other)?;
        if count < wanted {
            let message = "the file became shorter while it was being sent";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
        }
        self.hashers.update(&block);
        self.offset += count as u64;
        self.progress.add_moved(count as u64);
        if self.offset == self.end {
            self.finish();
        }
        Ok(Some((block.freeze(), self)))
    }

    /// Leaves the digests: with the last byte, since not every client asks a stream for more than it announced.
    fn finish(&mut self) {
        let digests = std::mem::take(&mut self.hashers).finish();
        if !digests.is_empty() {
            *self.digests.lock() = digests;
        }
    }
}

type Blocks = std::pin::Pin<Box<dyn futures_util::Stream<Item = io::Result<Bytes>> + Send>>;

/// A stream that HTTP clients may share between threads: they ask for `Sync` and never use it.
struct SyncStream(Mutex<Blocks>);

impl futures_util::Stream for SyncStream {
    type Item = io::Result<Bytes>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.lock().as_mut().poll_next(context)
    }
}
