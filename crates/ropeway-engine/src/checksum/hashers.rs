//! Several digests of one file from one reading of it.

use ropeway_model::{Algorithm, Digest};

use super::Hasher;

/// Digests that are taken side by side; none is a legal number of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hashers(Vec<Hasher>);

impl Hashers {
    /// Starts a digest in each of the algorithms.
    pub(crate) fn new(algorithms: &[Algorithm]) -> Self {
        Self(algorithms.iter().copied().map(Hasher::new).collect())
    }

    /// Takes the next bytes of the file.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        for hasher in &mut self.0 {
            hasher.update(bytes);
        }
    }

    /// The digests of all bytes taken, in the order of the algorithms.
    pub(crate) fn finish(self) -> Vec<Digest> {
        self.0.into_iter().map(Hasher::finish).collect()
    }
}
