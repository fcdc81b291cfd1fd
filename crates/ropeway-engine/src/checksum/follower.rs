//! Digests computed while a file arrives: a thread follows the contiguous prefix of the part file, so that when the
//! last byte lands only little is left to hash.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use ropeway_model::{Algorithm, Digest};
use ropeway_store::HashedPrefix;

use super::Hashers;
use crate::{
    blocking::{self, Blocking},
    disk::{DiskError, PartFile},
};

/// Bytes read back at a time; stays within the cache it was just written through.
const BLOCK: usize = 256 << 10;

/// Hashes a part file from its start, on a thread of its own, as far as it is contiguous.
#[derive(Debug)]
pub(crate) struct Follower {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<Prefix>,
    moved_on: Condvar,
    hashed: Mutex<Hashed>,
}

/// How far the digests have come.
#[derive(Debug, Default)]
struct Hashed {
    offset: u64,
    hashers: Hashers,
}

#[derive(Debug, Default)]
struct Prefix {
    /// Where it ends: bytes before may be read.
    end: u64,
    /// Nothing comes behind the prefix any more.
    is_final: bool,
    /// Nobody waits for the digests any more.
    is_abandoned: bool,
}

/// The digests to come; `None` if they were given up.
pub(crate) type Pending = blocking::Pending<Result<Option<Vec<Digest>>, DiskError>>;

impl Follower {
    /// Starts to follow `part` with digests in `algorithms`; those that were saved go on where they stood.
    pub(crate) fn start(
        blocking: &Blocking,
        part: Arc<dyn PartFile>,
        algorithms: &[Algorithm],
        saved: Option<&HashedPrefix>,
    ) -> (Self, Pending) {
        let restored = saved.and_then(|saved| Some((saved.offset, Hashers::restore(algorithms, saved)?)));
        let (offset, hashers) = restored.unwrap_or_else(|| (0, Hashers::new(algorithms)));
        let shared = Arc::new(Shared { hashed: Mutex::new(Hashed { offset, hashers }), ..Shared::default() });
        let pending = blocking.start({
            let shared = Arc::clone(&shared);
            move || shared.follow(&*part)
        });
        (Self { shared }, pending)
    }

    /// The first `prefix` bytes of the file are in place.
    pub(crate) fn reached(&self, prefix: u64) {
        let mut state = self.shared.state.lock();
        if prefix > state.end {
            state.end = prefix;
            self.shared.moved_on.notify_one();
        }
    }

    /// The digests of what has been hashed by now, to go on from in another try.
    pub(crate) fn saved(&self) -> Option<HashedPrefix> {
        let hashed = self.shared.hashed.lock();
        hashed.hashers.save(hashed.offset)
    }

    /// The file has `length` bytes and all are in place: the pending digests come.
    pub(crate) fn complete(&self, length: u64) {
        let mut state = self.shared.state.lock();
        state.end = length;
        state.is_final = true;
        self.shared.moved_on.notify_one();
    }

    /// Nobody wants the digests any more: what is pending ends soon.
    pub(crate) fn abandon(&self) {
        self.shared.state.lock().is_abandoned = true;
        self.shared.moved_on.notify_one();
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.abandon();
    }
}

impl Shared {
    fn follow(&self, part: &dyn PartFile) -> Result<Option<Vec<Digest>>, DiskError> {
        let mut offset = self.hashed.lock().offset;
        let mut block = vec![0; BLOCK];
        while let Some(prefix) = self.wait_behind(offset) {
            if prefix == offset {
                return Ok(Some(self.finish()));
            }
            let wanted = usize::try_from(prefix - offset).unwrap_or(BLOCK).min(BLOCK);
            let Some(buffer) = block.get_mut(..wanted) else { break };
            let read = part.read_at(buffer, offset)?;
            let mut hashed = self.hashed.lock();
            hashed.hashers.update(buffer.get(..read).unwrap_or_default());
            hashed.offset += u64::try_from(read).unwrap_or(0);
            offset = hashed.offset;
            drop(hashed);
            if read < wanted {
                // Somebody cut the part file: its digests must not match anything.
                return Ok(Some(self.finish()));
            }
        }
        Ok(None)
    }

    fn finish(&self) -> Vec<Digest> {
        std::mem::take(&mut *self.hashed.lock()).hashers.finish()
    }

    /// Waits for bytes behind `hashed` or for the end, and returns how far the file may be read; `None` if nobody
    /// wants the digests any more.
    fn wait_behind(&self, hashed: u64) -> Option<u64> {
        let mut state = self.state.lock();
        loop {
            if state.is_final {
                return Some(state.end);
            }
            if state.is_abandoned {
                return None;
            }
            if state.end > hashed {
                return Some(state.end);
            }
            self.moved_on.wait(&mut state);
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
        let (follower, pending) = Follower::start(&Blocking::Threads, Arc::clone(&part), &algorithms, None);
        let mut written = 0;
        for piece in bytes.chunks(300_001) {
            part.write_at(piece, written).unwrap();
            written += piece.len() as u64;
            follower.reached(written);
        }
        follower.complete(written);
        assert_eq!(pending.await.unwrap().unwrap(), Some(whole.finish()));
    }

    #[tokio::test]
    async fn a_follower_nobody_waits_for_ends() {
        let folder = tempfile::tempdir().unwrap();
        let part = LocalDisk.create_part(&folder.path().join("a.part")).unwrap();
        let (follower, pending) = Follower::start(&Blocking::Threads, part, &[Algorithm::Sha256], None);
        drop(follower);
        assert_eq!(pending.await.unwrap().unwrap(), None);
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
        let (follower, pending) = Follower::start(&Blocking::Threads, part, &[Algorithm::Sha256], Some(&saved));
        follower.reached(550_000);
        follower.complete(600_000);
        assert_eq!(pending.await.unwrap().unwrap(), Some(whole.finish()));
    }
}
