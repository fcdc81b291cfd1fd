//! Digests computed while a file arrives.
//!
//! Hashing follows the contiguous prefix of the part file, so that when the last byte lands only little is left to hash.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use parking_lot::Mutex;
use ropeway_model::{Algorithm, Digest, HashedPrefix};
use tokio::task::JoinError;

use super::hashers::Hashers;
use crate::{
    blocking::{self, Blocking},
    disk::{DiskError, PartFile},
};

/// Bytes read back at a time. They stay within the cache they were just written through. Every file that is being hashed at the
/// moment has one such buffer.
const BLOCK: usize = 64 << 10;
/// Bytes hashed before other work has its turn on that thread.
const STEP: u64 = 16 << 20;

/// Hashes the contiguous beginning of a part file.
///
/// Needs no thread and no buffer while nothing comes.
#[derive(Debug)]
pub struct Follower {
    shared: Arc<Shared>,
    blocking: Blocking,
}

#[derive(Debug)]
struct Shared {
    part: Arc<dyn PartFile>,
    prefix: Mutex<Prefix>,
    hashed: Mutex<Hashed>,
}

/// Digests and how far they have come.
#[derive(Debug, Default)]
struct Hashed {
    offset: u64,
    hashers: Hashers,
    /// Part file was cut by somebody: its digests must not match anything.
    is_cut: bool,
}

#[derive(Debug, Default)]
struct Prefix {
    /// End of the prefix: bytes before may be read.
    end: u64,
    /// Bytes hashed when a step last ended.
    hashed: u64,
    /// Digests are not waited for any more.
    is_abandoned: bool,
    /// Step that was begun last is still at it.
    is_followed: bool,
    step: Option<blocking::Pending<Result<(), DiskError>>>,
}

/// Digests to come; `None` if they were given up. Once they are there the part file is not read any more.
#[derive(Debug)]
pub struct Pending {
    step: Option<blocking::Pending<Result<(), DiskError>>>,
    rest: blocking::Pending<Result<Option<Vec<Digest>>, DiskError>>,
}

impl Follower {
    /// Starts to follow `part` with digests in `algorithms`.
    /// Those that were saved go on where they stood.
    pub fn new(
        blocking: &Blocking,
        part: Arc<dyn PartFile>,
        algorithms: &[Algorithm],
        saved: Option<&HashedPrefix>,
    ) -> Self {
        let restored = saved.and_then(|saved| Some((saved.offset, Hashers::restore(algorithms, saved)?)));
        let (offset, hashers) = restored.unwrap_or_else(|| (0, Hashers::new(algorithms)));
        let prefix = Mutex::new(Prefix { hashed: offset, ..Prefix::default() });
        let hashed = Mutex::new(Hashed { offset, hashers, is_cut: false });
        Self { shared: Arc::new(Shared { part, prefix, hashed }), blocking: blocking.clone() }
    }

    /// Notes that the first `prefix` bytes of the file are in place.
    pub fn reached(&self, prefix: u64) {
        let mut state = self.shared.prefix.lock();
        state.end = state.end.max(prefix);
        let is_worth_it = state.end >= state.hashed.saturating_add(BLOCK as u64);
        if is_worth_it && !state.is_followed && !state.is_abandoned && self.blocking.goes_ahead() {
            state.is_followed = true;
            let shared = Arc::clone(&self.shared);
            state.step = Some(self.blocking.start(move || shared.step()));
        }
    }

    /// Saves the digests so far, for another try to go on from.
    pub fn saved(&self) -> Option<HashedPrefix> {
        let hashed = self.shared.hashed.lock();
        hashed.hashers.save(hashed.offset)
    }

    /// Hashes the rest: all `length` bytes of the file are in place.
    pub fn complete(&self, length: u64) -> Pending {
        self.shared.prefix.lock().end = length;
        self.end()
    }

    /// Gives the digests up: what is pending ends soon.
    pub fn abandon(&self) -> Pending {
        self.shared.prefix.lock().is_abandoned = true;
        self.end()
    }

    fn end(&self) -> Pending {
        let step = self.shared.prefix.lock().step.take();
        let shared = Arc::clone(&self.shared);
        Pending { step, rest: self.blocking.start(move || shared.finish()) }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.shared.prefix.lock().is_abandoned = true;
    }
}

impl Future for Pending {
    type Output = Result<Result<Option<Vec<Digest>>, DiskError>, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(step) = &mut self.step {
            // A read that failed is tried again by the rest, which tells of it.
            if let Err(panic) = ready!(Pin::new(step).poll(context)) {
                return Poll::Ready(Err(panic));
            }
            self.step = None;
        }
        Pin::new(&mut self.rest).poll(context)
    }
}

impl Shared {
    /// Hashes what has come, up to one thread's fair share of work.
    fn step(&self) -> Result<(), DiskError> {
        let begun = self.hashed.lock().offset;
        let hashed = self.hash(begun.saturating_add(STEP));
        let offset = self.hashed.lock().offset;
        let mut prefix = self.prefix.lock();
        prefix.hashed = offset;
        prefix.is_followed = false;
        hashed
    }

    /// Hashes all that has come; `None` if nobody wants it any more.
    fn finish(&self) -> Result<Option<Vec<Digest>>, DiskError> {
        self.hash(u64::MAX)?;
        if self.prefix.lock().is_abandoned {
            return Ok(None);
        }
        Ok(Some(std::mem::take(&mut *self.hashed.lock()).hashers.finish()))
    }

    /// Hashes as far as the prefix reaches, and no farther than `most`.
    fn hash(&self, most: u64) -> Result<(), DiskError> {
        let mut block = Vec::new();
        loop {
            let (end, is_abandoned) = {
                let prefix = self.prefix.lock();
                (prefix.end.min(most), prefix.is_abandoned)
            };
            // Held while reading: a step and the rest may be at it side by side.
            let mut hashed = self.hashed.lock();
            let wanted = usize::try_from(end.saturating_sub(hashed.offset)).unwrap_or(BLOCK).min(BLOCK);
            if wanted == 0 || is_abandoned || hashed.is_cut {
                return Ok(());
            }
            block.resize(wanted, 0);
            let read = self.part.read_at(&mut block, hashed.offset)?;
            hashed.hashers.update(block.get(..read).unwrap_or_default());
            hashed.offset += u64::try_from(read).unwrap_or(0);
            hashed.is_cut = read < wanted;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk, LocalDisk};

    #[tokio::test]
    async fn the_digests_of_a_file_that_arrives_in_pieces_are_those_of_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let part = LocalDisk.create_part(&folder.path().join("a.part")).unwrap();
        let bytes: Vec<u8> = (0..1_000_003_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let algorithms = [Algorithm::Sha256, Algorithm::Md5];
        let mut whole = Hashers::new(&algorithms);
        whole.update(&bytes);
        let follower = Follower::new(&Blocking::Threads, Arc::clone(&part), &algorithms, None);
        let mut written = 0;
        for piece in bytes.chunks(300_001) {
            part.write_at(piece, written).unwrap();
            written += piece.len() as u64;
            follower.reached(written);
        }
        assert_eq!(follower.complete(written).await.unwrap().unwrap(), Some(whole.finish()));
    }

    #[tokio::test]
    async fn a_follower_that_is_given_up_reads_the_file_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let part = LocalDisk.create_part(&folder.path().join("a.part")).unwrap();
        part.write_at(&vec![1; 3 * BLOCK], 0).unwrap();
        let follower = Follower::new(&Blocking::Threads, Arc::clone(&part), &[Algorithm::Sha256], None);
        follower.reached(3 * BLOCK as u64);
        assert_eq!(follower.abandon().await.unwrap().unwrap(), None);
        drop(follower);
        assert_eq!(Arc::strong_count(&part), 1, "the next try can have it for itself");
    }

    #[tokio::test]
    async fn a_follower_needs_no_thread_until_there_is_a_block_to_hash() {
        let folder = tempfile::tempdir().unwrap();
        let parts = (0..20).map(|number| LocalDisk.create_part(&folder.path().join(format!("{number}.part"))).unwrap());
        let followers: Vec<Follower> =
            parts.map(|part| Follower::new(&Blocking::Threads, part, &[Algorithm::Sha256], None)).collect();
        for follower in &followers {
            follower.reached(BLOCK as u64 - 1);
        }
        assert!(followers.iter().all(|follower| !follower.shared.prefix.lock().is_followed));
    }

    #[tokio::test]
    async fn a_follower_that_goes_on_does_not_read_what_was_hashed_before() {
        let folder = tempfile::tempdir().unwrap();
        let part = LocalDisk.create_part(&folder.path().join("a.part")).unwrap();
        let bytes: Vec<u8> = (0..600_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let mut whole = Hashers::new(&[Algorithm::Sha256]);
        whole.update(&bytes[..500_000]);
        let saved = whole.save(500_000).unwrap();
        whole.update(&bytes[500_000..]);
        // Zeros where the hashed bytes were: had they been read, the digest would be another.
        part.write_at(&bytes[500_000..], 500_000).unwrap();
        let follower = Follower::new(&Blocking::Threads, part, &[Algorithm::Sha256], Some(&saved));
        follower.reached(580_000);
        assert_eq!(follower.complete(600_000).await.unwrap().unwrap(), Some(whole.finish()));
    }
}
