//! Several digests of one file from one reading of it.

use ropeway_model::{Algorithm, Digest, HashedPrefix};

use super::hasher::Hasher;

/// Number of the form in which states are written. To be raised when a library that writes them changes its form.
const FORMAT: u8 = 1;

/// Digests that are taken side by side; there may be none.
#[derive(Clone, Debug, Default)]
pub struct Hashers(Vec<Hasher>);

impl Hashers {
    /// Starts a digest in each of the algorithms.
    pub fn new(algorithms: &[Algorithm]) -> Self {
        Self(algorithms.iter().copied().map(Hasher::new).collect())
    }

    /// Restores digests in the same algorithms; `None` if they cannot.
    pub fn restore(algorithms: &[Algorithm], saved: &HashedPrefix) -> Option<Self> {
        let state = |wanted: &Algorithm| saved.states.iter().find(|(algorithm, _)| algorithm == wanted);
        let restored = |wanted| state(wanted).and_then(|(algorithm, state)| Hasher::restore(*algorithm, state));
        let hashers: Option<Vec<Hasher>> = algorithms.iter().map(restored).collect();
        hashers.filter(|_| saved.format == FORMAT).map(Self)
    }

    /// Saves the states after `offset` bytes.
    /// `None` where one of them cannot be saved, or there is nothing.
    pub fn save(&self, offset: u64) -> Option<HashedPrefix> {
        let states: Option<Vec<_>> =
            self.0.iter().map(|hasher| hasher.save().map(|state| (hasher.algorithm(), state))).collect();
        let states = states.filter(|states| !states.is_empty() && offset > 0)?;
        Some(HashedPrefix { format: FORMAT, offset, states })
    }

    /// Takes the next bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        for hasher in &mut self.0 {
            hasher.update(bytes);
        }
    }

    /// The digests of all bytes taken, in the order of the algorithms.
    pub fn finish(self) -> Vec<Digest> {
        self.0.into_iter().map(Hasher::finish).collect()
    }
}
