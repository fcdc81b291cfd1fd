//! Digests of whole files.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A digest algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// SHA-256 (FIPS 180-4).
    Sha256,
    /// SHA-512 (FIPS 180-4).
    Sha512,
    /// SHA-1 (FIPS 180-4): tells damage, not forgery.
    Sha1,
    /// MD5 (RFC 1321): tells damage, not forgery.
    Md5,
    /// BLAKE3, 256 bits.
    Blake3,
    /// CRC-32C (RFC 9260 appendix A), big-endian: tells damage, not forgery.
    Crc32c,
}

impl Algorithm {
    /// Every algorithm, the default first.
    pub const ALL: [Self; 6] = [Self::Sha256, Self::Sha512, Self::Sha1, Self::Md5, Self::Blake3, Self::Crc32c];

    /// The name users type and see in `algorithm:hex`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::Sha1 => "sha1",
            Self::Md5 => "md5",
            Self::Blake3 => "blake3",
            Self::Crc32c => "crc32c",
        }
    }

    /// Length of the digest in bytes.
    pub const fn digest_len(self) -> usize {
        match self {
            Self::Sha256 | Self::Blake3 => 32,
            Self::Sha512 => 64,
            Self::Sha1 => 20,
            Self::Md5 => 16,
            Self::Crc32c => 4,
        }
    }
}

impl FromStr for Algorithm {
    type Err = DigestParseError;

    fn from_str(text: &str) -> Result<Self, DigestParseError> {
        match text.to_ascii_lowercase().as_str() {
            "sha256" | "sha-256" => Ok(Self::Sha256),
            "sha512" | "sha-512" => Ok(Self::Sha512),
            "sha1" | "sha-1" | "sha" => Ok(Self::Sha1),
            "md5" => Ok(Self::Md5),
            "blake3" | "b3" => Ok(Self::Blake3),
            "crc32c" => Ok(Self::Crc32c),
            _ => Err(DigestParseError::UnknownAlgorithm { name: text.chars().take(20).collect() }),
        }
    }
}

/// The digest of a file: an algorithm and its output. Equal digests are how Ropeway knows that two files are the same.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest {
    algorithm: Algorithm,
    bytes: Box<[u8]>,
}

/// A text that is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestParseError {
    /// No `algorithm:` before the digits.
    #[error("a checksum is written algorithm:hex, such as sha256:9f86d0…")]
    NoAlgorithm,
    /// The algorithm is not one of ours.
    #[error("'{name}' is no known checksum algorithm; known: sha256, sha512, sha1, md5, blake3, crc32c")]
    UnknownAlgorithm {
        /// What was written.
        name: String,
    },
    /// Not hexadecimal, or of the wrong length.
    #[error("a {algorithm} checksum has {expected} hexadecimal digits")]
    BadDigits {
        /// The algorithm's name.
        algorithm: &'static str,
        /// Digits it takes.
        expected: usize,
    },
}

impl Digest {
    /// A digest from the algorithm's output; `None` if the length is wrong.
    pub fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Option<Self> {
        (bytes.len() == algorithm.digest_len()).then(|| Self { algorithm, bytes: bytes.into() })
    }

    /// The algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The algorithm's output.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The output in lower-case hexadecimal.
    pub fn hex(&self) -> String {
        self.bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl FromStr for Digest {
    type Err = DigestParseError;

    fn from_str(text: &str) -> Result<Self, DigestParseError> {
        let (name, digits) = text.trim().split_once(':').ok_or(DigestParseError::NoAlgorithm)?;
        let algorithm: Algorithm = name.parse()?;
        let expected = algorithm.digest_len() * 2;
        let refused = DigestParseError::BadDigits { algorithm: algorithm.name(), expected };
        if digits.len() != expected || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(refused);
        }
        let bytes: Option<Vec<u8>> =
            (0..expected).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect();
        bytes.and_then(|bytes| Self::from_bytes(algorithm, &bytes)).ok_or(refused)
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestParseError;

    fn try_from(text: String) -> Result<Self, DigestParseError> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.algorithm.name(), self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_digest_survives_its_own_text() {
        let digest: Digest = EMPTY.to_uppercase().replace("SHA256", "SHA-256").parse().unwrap();
        assert_eq!(digest.to_string(), EMPTY);
        assert_eq!(Digest::try_from(String::from(digest.clone())), Ok(digest));
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for text in ["", "sha256", "sha256:", "md6:00", "sha256:zz", &EMPTY[..60], &format!("{EMPTY}0"), &EMPTY[7..]] {
            assert!(text.parse::<Digest>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn every_name_of_an_algorithm_reads_as_it() {
        for (names, algorithm) in [
            (&["sha256", "SHA-256"][..], Algorithm::Sha256),
            (&["sha512", "sha-512"], Algorithm::Sha512),
            (&["sha1", "sha-1", "SHA"], Algorithm::Sha1),
            (&["md5", "MD5"], Algorithm::Md5),
            (&["blake3", "b3"], Algorithm::Blake3),
            (&["crc32c", "CRC32C"], Algorithm::Crc32c),
        ] {
            for name in names {
                assert_eq!(name.parse::<Algorithm>(), Ok(algorithm), "{name}");
            }
            assert_eq!(algorithm.name().parse::<Algorithm>(), Ok(algorithm));
            let output: Vec<u8> = (1..).take(algorithm.digest_len()).collect();
            let digest = Digest::from_bytes(algorithm, &output).unwrap();
            assert_eq!(digest.bytes(), output);
            assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
            assert_eq!(Digest::from_bytes(algorithm, &output[1..]), None, "one byte short");
        }
    }
}
