//! Checksums on the command line.

use std::str::FromStr;

use ropeway_model::{Algorithm, Digest, DigestParseError};

/// A digest to take, or one to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Checksum {
    /// Every file's digest is taken with it and told at the end.
    Take(Algorithm),
    /// The file must have it.
    Have(Digest),
}

impl Checksum {
    /// What the file must have, as the engine takes it.
    pub(crate) fn expected(&self) -> Option<String> {
        match self {
            Self::Take(_) => None,
            Self::Have(digest) => Some(digest.to_string()),
        }
    }

    /// What the digest is to be taken with, as the engine takes it.
    pub(crate) fn algorithm(&self) -> Option<String> {
        match self {
            Self::Take(algorithm) => Some(algorithm.name().to_owned()),
            Self::Have(_) => None,
        }
    }
}

impl FromStr for Checksum {
    type Err = DigestParseError;

    fn from_str(text: &str) -> Result<Self, DigestParseError> {
        if text.contains(':') { text.parse().map(Self::Have) } else { text.parse().map(Self::Take) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_an_algorithm_or_a_digest() {
        let digest = format!("sha256:{}", "0".repeat(64));
        assert_eq!("sha256".parse::<Checksum>().unwrap(), Checksum::Take(Algorithm::Sha256));
        assert_eq!(digest.parse::<Checksum>().unwrap().expected(), Some(digest));
        assert!("md6".parse::<Checksum>().is_err() && "sha256:00".parse::<Checksum>().is_err());
    }
}
