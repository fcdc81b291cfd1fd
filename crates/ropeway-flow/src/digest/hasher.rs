//! Running digest of one file, with a state that can be saved.

use ropeway_model::{Algorithm, Digest};
use sha2::{
    Digest as _,
    digest::common::hazmat::{SerializableState, SerializedState},
};

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

    /// Restores a saved digest; `None` for what is no state of it.
    pub fn restore(algorithm: Algorithm, saved: &[u8]) -> Option<Self> {
        let state = match algorithm {
            Algorithm::Sha256 => State::Sha256(deserialized(saved)?),
            Algorithm::Sha512 => State::Sha512(deserialized(saved)?),
            Algorithm::Sha1 => State::Sha1(deserialized(saved)?),
            Algorithm::Md5 => State::Md5(deserialized(saved)?),
            Algorithm::Blake3 => return None,
            Algorithm::Crc32c => {
                let state = u64::from_be_bytes(saved.try_into().ok()?);
                let crc = crc_fast::CrcAlgorithm::Crc32Iscsi;
                State::Crc32c(crc_fast::Digest::new_with_init_state(crc, state))
            }
        };
        Some(Self { algorithm, state })
    }

    /// Saves the state for another process.
    /// `None` for BLAKE3, whose library has none.
    pub fn save(&self) -> Option<Vec<u8>> {
        match &self.state {
            State::Sha256(state) => Some(state.serialize().to_vec()),
            State::Sha512(state) => Some(state.serialize().to_vec()),
            State::Sha1(state) => Some(state.serialize().to_vec()),
            State::Md5(state) => Some(state.serialize().to_vec()),
            State::Blake3(_) => None,
            State::Crc32c(state) => Some(state.get_state().to_be_bytes().to_vec()),
        }
    }

    /// The algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
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

fn deserialized<S: SerializableState>(saved: &[u8]) -> Option<S> {
    let saved: &SerializedState<S> = saved.try_into().ok()?;
    S::deserialize(saved).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digests of "abc" as the standards and reference programs print them.
    const PUBLISHED: [(Algorithm, &str); 6] = [
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
    ];

    #[test]
    fn every_algorithm_gives_its_published_answer() {
        for (algorithm, hex) in PUBLISHED {
            let mut hasher = Hasher::new(algorithm);
            hasher.update(b"a");
            hasher.update(b"bc");
            assert_eq!(hasher.finish().hex(), hex, "{algorithm:?}");
        }
    }

    #[test]
    fn a_saved_state_goes_on_at_any_offset_and_a_foreign_one_is_refused() {
        let bytes: Vec<u8> = (0..1000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
        for (algorithm, _) in PUBLISHED {
            let mut whole = Hasher::new(algorithm);
            whole.update(&bytes);
            let whole = whole.finish();
            for at in [0, 1, 63, 64, 65, 128, 999, 1000] {
                let mut before = Hasher::new(algorithm);
                before.update(&bytes[..at]);
                let Some(saved) = before.save() else {
                    assert_eq!(algorithm, Algorithm::Blake3);
                    continue;
                };
                let mut after = Hasher::restore(algorithm, &saved).unwrap();
                after.update(&bytes[at..]);
                assert_eq!(after.finish(), whole, "{algorithm:?} at {at}");
                assert!(Hasher::restore(algorithm, &saved[1..]).is_none(), "{algorithm:?}");
            }
        }
    }
}
