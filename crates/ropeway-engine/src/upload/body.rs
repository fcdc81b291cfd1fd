//! The bytes of a part. Read ahead from the source, hashed, throttled and counted on their way to the driver.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use parking_lot::Mutex;
use ropeway_drivers::{Part, PartBody, PartBytes};
use ropeway_flow::{
    blocking::{Blocking, Pending},
    digest::Hasher,
    disk::SourceFile,
    throttle::Throttle,
};
use ropeway_model::{Algorithm, Digest};

use super::{digests::SentDigests, last_bytes::LastBytes, source::Source};
use crate::{attempt::Attempt, progress::Progress};

/// Read at a time where no limit asks for less: large enough for few system calls, small enough to stay in the cache
/// between reading, hashing and sending.
const LARGEST_BLOCK: usize = 256 << 10;
/// Read at a time for a digest that goes ahead of the bytes.
const DIGEST_BLOCK: usize = 1 << 20;

/// A part of a source, read anew each time it is sent.
pub(super) struct SourcePart {
    file: Arc<dyn SourceFile>,
    part: Part,
    digests: SentDigests,
    throttle: Throttle,
    progress: Arc<Progress>,
    blocking: Blocking,
    /// For the part with the source's last byte.
    last: Arc<Mutex<Option<LastBytes>>>,
}

impl SourcePart {
    /// The `part` of `source`. `last` is told where it has the last byte.
    pub(super) fn new(
        attempt: &Attempt,
        source: &Source,
        part: Part,
        digests: &SentDigests,
        last: Option<LastBytes>,
    ) -> Self {
        Self {
            file: Arc::clone(&source.file),
            part,
            digests: digests.clone(),
            throttle: attempt.throttle.clone(),
            progress: Arc::clone(&attempt.progress),
            blocking: attempt.engine.blocking.clone(),
            last: Arc::new(Mutex::new(last)),
        }
    }
}

#[async_trait]
impl PartBody for SourcePart {
    fn bytes(&self) -> PartBytes {
        let reader = Reader {
            file: Arc::clone(&self.file),
            read_to: self.part.offset,
            sent_to: self.part.offset,
            end: self.part.offset + self.part.length,
            digests: self.digests.clone(),
            throttle: self.throttle.clone(),
            progress: Arc::clone(&self.progress),
            blocking: self.blocking.clone(),
            last: Arc::clone(&self.last),
            ahead: None,
        };
        let blocks = stream::try_unfold(reader, |mut reader| async move {
            Ok::<_, io::Error>(reader.next().await?.map(|block| (block, reader)))
        });
        Box::pin(SyncStream(Mutex::new(Box::pin(blocks))))
    }

    async fn digest(&self, algorithm: Algorithm) -> io::Result<Digest> {
        let (file, Part { offset, length }) = (Arc::clone(&self.file), self.part);
        let reading = self.blocking.start(move || {
            let (mut hasher, mut block, end) = (Hasher::new(algorithm), vec![0; DIGEST_BLOCK], offset + length);
            let mut at = offset;
            while at < end {
                let wanted = block.len().min(usize::try_from(end - at).unwrap_or(usize::MAX));
                let read = fill(&*file, block.get_mut(..wanted).unwrap_or_default(), at)?;
                hasher.update(read);
                at += read.len() as u64;
            }
            Ok(hasher.finish())
        });
        reading.await.map_err(io::Error::other)?
    }
}

struct Reader {
    file: Arc<dyn SourceFile>,
    /// The first byte that was not asked for.
    read_to: u64,
    /// The first byte that was not handed over.
    sent_to: u64,
    end: u64,
    digests: SentDigests,
    throttle: Throttle,
    progress: Arc<Progress>,
    blocking: Blocking,
    last: Arc<Mutex<Option<LastBytes>>>,
    /// The next block, being read while the one before it is sent.
    ahead: Option<Pending<io::Result<Bytes>>>,
}

impl Reader {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let block = match self.ahead.take().or_else(|| self.read()) {
            Some(reading) => Some(reading.await.map_err(io::Error::other)??),
            None => None,
        };
        let length = block.as_ref().map_or(0, Bytes::len) as u64;
        self.throttle.take(length).await;
        let last = if self.sent_to + length == self.end { self.last.lock().take() } else { None };
        if let Some(last) = last {
            last.tell().await?;
        }
        self.sent_to += length;
        self.progress.add_moved(length);
        self.ahead = self.read();
        Ok(block)
    }

    /// Begins to read the next block; `None` behind the last one.
    fn read(&mut self) -> Option<Pending<io::Result<Bytes>>> {
        let left = usize::try_from(self.end - self.read_to).unwrap_or(usize::MAX);
        let largest = left.min(LARGEST_BLOCK);
        let wanted = self.throttle.slice(largest).min(largest);
        if wanted == 0 {
            return None;
        }
        let (file, digests, offset) = (Arc::clone(&self.file), self.digests.clone(), self.read_to);
        self.read_to += wanted as u64;
        // Reading may block on a cold disk, hashing takes its time: neither belongs on a thread that serves others.
        Some(self.blocking.start(move || {
            let mut block = BytesMut::zeroed(wanted);
            fill(&*file, &mut block, offset)?;
            digests.update(offset, &block);
            Ok(block.freeze())
        }))
    }
}

/// Reads at `offset` until the block is full.
///
/// # Errors
/// [`io::ErrorKind::UnexpectedEof`] where the file ends before.
fn fill<'a>(file: &dyn SourceFile, block: &'a mut [u8], offset: u64) -> io::Result<&'a [u8]> {
    let count = file.read_at(block, offset).map_err(io::Error::other)?;
    if count < block.len() {
        let message = "the file became shorter while it was being sent";
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
    }
    Ok(block)
}

type Blocks = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// A stream that HTTP clients may share between threads: they ask for `Sync` and never use it.
struct SyncStream(Mutex<Blocks>);

impl Stream for SyncStream {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.lock().as_mut().poll_next(context)
    }
}
