//! A file's bytes on their way to a client.

use std::{
    io,
    os::fd::OwnedFd,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use ropeway_flow::throttle::{Bucket, Turn};
use ropeway_model::ByteRange;
use rustix::fs::fstat;
use tokio::task::JoinHandle;

use super::{
    block::{BLOCK_BYTES, Block, Blocks},
    entity::Entity,
};

/// The bytes of one range of one version of a file.
///
/// Nothing is read before the connection asks for it, so a client that goes away costs one block at most, and dropping
/// this closes the file. If the file is cut short or written over meanwhile, the body ends with an error and the
/// connection with it, before the promised length: a client must not take a mixture for the file.
pub struct FileBody {
    file: Arc<OwnedFd>,
    entity: Entity,
    offset: u64,
    end: u64,
    blocks: Blocks,
    bucket: Arc<Bucket>,
    /// Bytes that the throttle has granted and that are not read yet.
    granted: usize,
    step: Step,
}

enum Step {
    Next,
    Throttled(Turn),
    Reading(JoinHandle<io::Result<Block>>),
}

impl FileBody {
    pub fn new(file: OwnedFd, entity: Entity, range: Option<ByteRange>, bucket: Arc<Bucket>) -> Self {
        let (offset, end) = range.map_or((0, entity.length()), |range| (range.start(), range.end()));
        // A hint that costs nothing to ignore: the kernel reads further ahead.
        let _ = rustix::fs::fadvise(&file, offset, None, rustix::fs::Advice::Sequential);
        Self {
            file: Arc::new(file),
            entity,
            offset,
            end,
            blocks: Blocks::default(),
            bucket,
            granted: 0,
            step: Step::Next,
        }
    }

    fn remaining(&self) -> u64 {
        self.end.saturating_sub(self.offset)
    }

    /// Asks the throttle for the next slice.
    fn ask(&mut self) {
        let most = usize::try_from(self.remaining()).unwrap_or(BLOCK_BYTES);
        self.granted = self.bucket.slice(BLOCK_BYTES).min(most);
        if let Some(turn) = self.bucket.charge(self.granted as u64) {
            self.step = Step::Throttled(turn);
        }
    }

    /// Reads what was granted: at once if it is in memory, else on a thread that may wait for the disk.
    fn read(&mut self) -> Option<io::Result<Block>> {
        let mut block = self.blocks.take();
        let (offset, most) = (self.offset, self.granted);
        if let Some(outcome) = block.read_cached(&self.file, offset, most) {
            return Some(outcome.map(|()| block));
        }
        let file = Arc::clone(&self.file);
        self.step = Step::Reading(tokio::task::spawn_blocking(move || {
            block.read(&file, offset, most)?;
            Ok(block)
        }));
        None
    }

    /// The next block if it is there at once; `None` at the end, or after a step that has to be waited for.
    fn next_block(&mut self) -> Option<io::Result<Block>> {
        if self.remaining() == 0 {
            return None;
        }
        if self.granted == 0 {
            self.ask();
        }
        if matches!(self.step, Step::Throttled(_)) { None } else { self.read() }
    }

    /// Takes a block that was read; refuses it if the file is no longer the version that was promised.
    fn accept(&mut self, block: Block) -> io::Result<Bytes> {
        let filled = block.filled();
        self.offset += filled as u64;
        self.granted = self.granted.saturating_sub(filled);
        if filled == 0 || self.remaining() == 0 {
            let now = Entity::of(&fstat(&self.file).map_err(io::Error::from)?);
            if filled == 0 || !self.entity.is_still_in(&now) {
                return Err(io::Error::other("the file changed while it was being sent"));
            }
        }
        Ok(block.into_bytes())
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        loop {
            let block = match &mut this.step {
                Step::Throttled(turn) => {
                    ready!(turn.as_mut().poll(cx));
                    this.step = Step::Next;
                    continue;
                }
                Step::Reading(reading) => {
                    let outcome = ready!(Pin::new(reading).poll(cx));
                    this.step = Step::Next;
                    outcome.map_err(io::Error::other).flatten()
                }
                Step::Next => match this.next_block() {
                    Some(outcome) => outcome,
                    None if this.remaining() == 0 => return Poll::Ready(None),
                    None => continue,
                },
            };
            let bytes = block.and_then(|block| this.accept(block));
            if let Err(error) = &bytes {
                tracing::warn!(%error, offset = this.offset, "download cut");
            }
            return Poll::Ready(Some(bytes.map(Frame::data)));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.remaining() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining())
    }
}
