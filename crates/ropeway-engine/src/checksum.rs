//! Digests computed while a file arrives: a hasher follows the contiguous prefix of the part file, so that when the
//! last byte lands only little is left to hash.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use ropeway_model::{Algorithm, Digest};
use sha2::Digest as _;

use crate::disk::{DiskError, PartFile};

/// Bytes read back at a time; stays within the cache it was just written through.
const BLOCK: usize = 256 << 10;

/// A running digest of one file.
#[derive(Clone, Debug)]
pub struct Hasher {
    algorithm: Algorithm,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
    Sha1(sha1::Sha1),
    Md5(md5::Md5),
    Blake3(Box<blake3::Hasher>),
    Crc32c(crc_fast::Digest),
}

impl Hasher {
    /// Starts a digest.
    pub fn new(algorithm: Algorithm) -> Self {
        let state = match algorithm {
            Algorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            Algorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
            Algorithm::Sha1 => State::Sha1(sha1::Sha1::new()),
            Algorithm::Md5 => State::Md5(md5::Md5::new()),
            Algorithm::Blake3 => State::Blake3(Box::default()),
            Algorithm::Crc32c => State::Crc32c(crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi)),
        };
        Self { algorithm, state }
    }

    /// Takes the next bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Sha256(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
            State::Sha1(state) => state.update(bytes),
            State::Md5(state) => state.update(bytes),
            State::Blake3(state) => drop(state.update(bytes)),
            State::Crc32c(state) => state.update(bytes),
        }
    }

    /// The digest of all bytes taken.
    pub fn finish(self) -> Digest {
        let bytes = match self.state {
            State::Sha256(state) => state.finalize().to_vec(),
            State::Sha512(state) => state.finalize().to_vec(),
            State::Sha1(state) => state.finalize().to_vec(),
            State::Md5(state) => state.finalize().to_vec(),
            State::Blake3(state) => state.finalize().as_bytes().to_vec(),
            State::Crc32c(state) => {
                // The upper half of what the library hands out is always zero.
                u32::try_from(state.finalize()).unwrap_or(u32::MAX).to_be_bytes().to_vec()
            }
        };
        Digest::from_bytes(self.algorithm, &bytes).expect("each algorithm yields its own length")
    }
}

/// Hashes a part file from its start, on a thread of its own, as far as it is contiguous.
#[derive(Debug)]
pub(crate) struct Follower {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<Prefix>,
    moved_on: Condvar,
}

#[derive(Debug, Default)]
struct Prefix {
    /// Bytes that may be read.
    prefix: u64,
    /// Nothing comes behind the prefix any more.
    is_final: bool,
    /// Nobody waits for the digest any more.
    is_abandoned: bool,
}

/// The digest to come.
pub(crate) type Pending = tokio::task::JoinHandle<Result<Option<Digest>, DiskError>>;

impl Follower {
    /// Starts to follow `part`.
    pub(crate) fn start(part: Arc<dyn PartFile>, algorithm: Algorithm) -> (Self, Pending) {
        let shared = Arc::new(Shared::default());
        let pending = tokio::task::spawn_blocking({
            let shared = Arc::clone(&shared);
            move || shared.follow(&*part, algorithm)
        });
        (Self { shared }, pending)
    }

    /// The first `prefix` bytes of the file are in place.
    pub(crate) fn reached(&self, prefix: u64) {
        let mut state = self.shared.state.lock();
        if prefix > state.prefix {
            state.prefix = prefix;
            self.shared.moved_on.notify_one();
        }
    }

    /// The file has `length` bytes and all are in place: the pending digest comes.
    pub(crate) fn complete(&self, length: u64) {
        let mut state = self.shared.state.lock();
        state.prefix = length;
        state.is_final = true;
        self.shared.moved_on.notify_one();
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.shared.state.lock().is_abandoned = true;
        self.shared.moved_on.notify_one();
    }
}

impl Shared {
    fn follow(&self, part: &dyn PartFile, algorithm: Algorithm) -> Result<Option<Digest>, DiskError> {
        let mut hasher = Hasher::new(algorithm);
        let mut offset = 0;
        let mut block = vec![0; BLOCK];
        while let Some(prefix) = self.wait_behind(offset) {
            if prefix == offset {
                return Ok(Some(hasher.finish()));
            }
            let wanted = usize::try_from(prefix - offset).unwrap_or(BLOCK).min(BLOCK);
            let Some(buffer) = block.get_mut(..wanted) else { break };
            let read = part.read_at(buffer, offset)?;
            hasher.update(buffer.get(..read).unwrap_or_default());
            offset += u64::try_from(read).unwrap_or(0);
            if read < wanted {
                // Somebody cut the part file: its digest must not match anything.
                return Ok(Some(hasher.finish()));
            }
        }
        Ok(None)
    }

    /// Waits for bytes behind `hashed` or for the end, and returns how far the file may be read; `None` if nobody
    /// wants the digest any more.
    fn wait_behind(&self, hashed: u64) -> Option<u64> {
        let mut state = self.state.lock();
        loop {
            if state.is_final {
                return Some(state.prefix);
            }
            if state.is_abandoned {
                return None;
            }
            if state.prefix > hashed {
                return Some(state.prefix);
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
    async fn the_digest_of_a_file_that_arrives_in_pieces_is_that_of_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let part = LocalDisk.create_part(&folder.path().join("a.part")).unwrap();
        let bytes: Vec<u8> = (0..1_000_003_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let (follower, pending) = Follower::start(Arc::clone(&part), Algorithm::Sha256);
        let mut written = 0;
        for piece in bytes.chunks(300_001) {
            part.write_at(piece, written).unwrap();
            written += piece.len() as u64;
            follower.reached(written);
        }
        follower.complete(written);
        let mut whole = Hasher::new(Algorithm::Sha256);
        whole.update(&bytes);
        assert_eq!(pending.await.unwrap().unwrap(), Some(whole.finish()));
    }

    /// The digests of "abc" as the standards and reference programs print them.
    #[test]
    fn every_algorithm_gives_its_published_answer() {
        for (algorithm, hex) in [
            (Algorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                Algorithm::Sha512,
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
            (Algorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Algorithm::Blake3, "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"),
            (Algorithm::Crc32c, "364b3fb7"),
        ] {
            let mut hasher = Hasher::new(algorithm);
            hasher.update(b"a");
            hasher.update(b"bc");
            assert_eq!(hasher.finish().hex(), hex, "{algorithm:?}");
        }
    }

    #[tokio::test]
    async fn a_follower_nobody_waits_for_ends() {
        let folder = tempfile::tempdir().unwrap();
        let part = LocalDisk.create_part(&folder.path().join("a.part")).unwrap();
        let (follower, pending) = Follower::start(part, Algorithm::Sha256);
        drop(follower);
        assert_eq!(pending.await.unwrap().unwrap(), None);
    }
}
