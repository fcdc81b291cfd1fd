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

/// What several checksums of one command come to: what the file must have, and what its digest is to be taken with.
pub(crate) fn wanted(checksums: &[Checksum]) -> (Option<String>, Option<String>) {
    let expected: Vec<String> = checksums.iter().filter_map(Checksum::expected).collect();
    let taken = checksums.iter().find_map(Checksum::algorithm);
    ((!expected.is_empty()).then(|| expected.join(" ")), taken)
}

impl Checksum {
    /// What the file must have, as the engine takes it.
    fn expected(&self) -> Option<String> {
        match self {
            Self::Take(_) => None,
            Self::Have(digest) => Some(digest.to_string()),
        }
    }

    /// What the digest is to be taken with, as the engine takes it.
    fn algorithm(&self) -> Option<String> {
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

    fn digest_of(algorithm: &str, digits: usize) -> String {
        format!("{algorithm}:{}", "0".repeat(digits))
    }

    #[test]
    fn a_checksum_is_an_algorithm_or_a_digest() {
        let digest = format!("sha256:{}", "0".repeat(64));
        assert_eq!("sha256".parse::<Checksum>().unwrap(), Checksum::Take(Algorithm::Sha256));
        assert_eq!(digest.parse::<Checksum>().unwrap().expected(), Some(digest));
        let both = ["blake3", &digest_of("md5", 32), &digest_of("sha1", 40)].map(|text| text.parse().unwrap());
        let expected = format!("{} {}", digest_of("md5", 32), digest_of("sha1", 40));
        assert_eq!(wanted(&both), (Some(expected), Some("blake3".to_owned())));
        assert_eq!(wanted(&[]), (None, None));
        assert!("md6".parse::<Checksum>().is_err() && "sha256:00".parse::<Checksum>().is_err());
    }
}
