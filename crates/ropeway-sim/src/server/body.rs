//! The body of an answer: chunks in virtual time, counted for as long as the client holds them.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use ropeway_drivers::TransportBody;

use super::weather::Ending;
use crate::world::World;

/// Longer than any client waits for a byte.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// Bytes that are in the client's hands.
#[derive(Debug, Default)]
pub(crate) struct Held {
    now: AtomicU64,
    most: AtomicU64,
}

impl Held {
    /// The most there ever were.
    pub(crate) fn most(&self) -> u64 {
        self.most.load(Relaxed)
    }
}

/// A chunk in the client's hands.
struct Chunk {
    bytes: &'static [u8],
    held: Arc<Held>,
}

impl Chunk {
    fn hand_over(bytes: &'static [u8], held: &Arc<Held>) -> Bytes {
        let now = held.now.fetch_add(bytes.len() as u64, Relaxed) + bytes.len() as u64;
        held.most.fetch_max(now, Relaxed);
        Bytes::from_owner(Self { bytes, held: Arc::clone(held) })
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        self.bytes
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.held.now.fetch_sub(self.bytes.len() as u64, Relaxed);
    }
}

/// What a body consists of.
pub(super) struct Body {
    pub(super) world: Arc<World>,
    pub(super) held: Arc<Held>,
    /// Counts the answers under way, down again when this one is dropped.
    pub(super) _under_way: UnderWay,
    pub(super) bytes: &'static [u8],
    pub(super) ending: Ending,
    pub(super) chunk: u64,
    /// Bytes a second.
    pub(super) speed: u64,
}

/// One answer under way.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<AtomicU64>);

impl UnderWay {
    pub(super) fn one(count: &Arc<AtomicU64>) -> Self {
        count.fetch_add(1, Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Body {
    /// The body as the transport hands it out.
    pub(super) fn stream(self) -> TransportBody {
        Box::pin(stream::unfold((self, 0), |(body, sent)| async move {
            let next = body.next(sent).await?;
            let sent = sent + next.as_ref().map_or(0, |bytes| bytes.len() as u64);
            Some((next, (body, sent)))
        }))
    }

    async fn next(&self, sent: u64) -> Option<io::Result<Bytes>> {
        self.world.stay_on().await;
        let end = match self.ending {
            Ending::Whole => self.bytes.len() as u64,
            Ending::Cut(at) | Ending::Early(at) | Ending::Stall(at) => at.min(self.bytes.len() as u64),
        };
        let count = self.chunk.min(end - sent);
        if count == 0 {
            return match self.ending {
                Ending::Cut(_) => Some(Err(io::ErrorKind::ConnectionReset.into())),
                Ending::Stall(_) => {
                    tokio::time::sleep(FOR_EVER).await;
                    Some(Err(io::ErrorKind::ConnectionReset.into()))
                }
                Ending::Whole | Ending::Early(_) => None,
            };
        }
        tokio::time::sleep(Duration::from_micros(count * 1_000_000 / self.speed)).await;
        self.world.stay_on().await;
        let from = usize::try_from(sent).ok()?;
        let bytes = self.bytes.get(from..from + usize::try_from(count).ok()?)?;
        Some(Ok(Chunk::hand_over(bytes, &self.held)))
    }
}
