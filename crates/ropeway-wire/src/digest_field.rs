//! Fields that tell digests, and those that ask for one. They are `Repr-Digest` and `Content-Digest` (RFC 9530),
//! `Digest` (RFC 3230), `Content-MD5` (RFC 1864).
//!
//! With a content coding they are of the encoded bytes (RFC 9530 §3.1, RFC 3230 §4.2).

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue};
use ropeway_model::{Algorithm, Digest};

/// Algorithms that are compared, as the registry calls them (RFC 9530 §7.2).
const LABELS: [(&str, Algorithm); 4] =
    [("sha-256", Algorithm::Sha256), ("sha-512", Algorithm::Sha512), ("sha", Algorithm::Sha1), ("md5", Algorithm::Md5)];

/// Field of the representation, whatever part of it a message has.
pub const REPR_DIGEST: DigestField = DigestField { name: "repr-digest", notation: Notation::Dictionary };
/// Field of the bytes that a message has.
pub const CONTENT_DIGEST: DigestField = DigestField { name: "content-digest", notation: Notation::Dictionary };
/// Field that the two replace.
pub const DIGEST: DigestField = DigestField { name: "digest", notation: Notation::Instances };
/// Field that HTTP has given up (RFC 7231, appendix B).
pub const CONTENT_MD5: DigestField = DigestField { name: "content-md5", notation: Notation::One(Algorithm::Md5) };

/// Field that asks for the digest of what is stored. Its value says which one (RFC 9530 §4).
pub const WANT_REPR_DIGEST: (&str, HeaderValue) =
    ("want-repr-digest", HeaderValue::from_static("sha-256=10, sha-512=3"));

/// A field with digests, and how they are written in it.
#[derive(Clone, Copy, Debug)]
pub struct DigestField {
    name: &'static str,
    notation: Notation,
}

#[derive(Clone, Copy, Debug)]
enum Notation {
    /// `sha-256=:BASE64:`, a dictionary of byte sequences (RFC 9651 §3.2).
    Dictionary,
    /// `SHA-256=BASE64` (RFC 3230 §4.1.1).
    Instances,
    /// Base64 alone.
    One(Algorithm),
}

impl DigestField {
    /// Field of a product that writes its digests as in [`DIGEST`].
    pub const fn of_instances(name: &'static str) -> Self {
        Self { name, notation: Notation::Instances }
    }

    /// A field of a product with one digest in base64.
    pub const fn of_one(name: &'static str, algorithm: Algorithm) -> Self {
        Self { name, notation: Notation::One(algorithm) }
    }

    /// Name of the field, in lower case.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Digests that a message tells in this field, in their order. `None` stands for one that cannot be read.
    /// Algorithms that are not known here say nothing.
    pub fn told(&self, headers: &HeaderMap) -> Vec<Option<Digest>> {
        let values = headers.get_all(self.name).iter();
        values.flat_map(|value| value.to_str().map_or_else(|_| vec![None], |text| self.members(text))).collect()
    }

    fn members(&self, text: &str) -> Vec<Option<Digest>> {
        if let Notation::One(algorithm) = self.notation {
            return vec![digest(algorithm, text)];
        }
        // Base64 has neither comma nor semicolon.
        let members = text.split(',').filter_map(|member| {
            let (key, coded) = member.split_once('=')?;
            // RFC 9651 has keys in lower case; who writes them otherwise means the same.
            let (_, algorithm) = LABELS.iter().find(|(label, _)| key.trim().eq_ignore_ascii_case(label))?;
            let coded = if matches!(self.notation, Notation::Dictionary) { byte_sequence(coded) } else { Some(coded) };
            Some(coded.and_then(|coded| digest(*algorithm, coded)))
        });
        members.collect()
    }
}

/// The base64 of a byte sequence, whatever parameters stand behind it (RFC 9651 §3.3.5).
fn byte_sequence(text: &str) -> Option<&str> {
    text.split(';').next()?.trim().strip_prefix(':')?.strip_suffix(':')
}

fn digest(algorithm: Algorithm, coded: &str) -> Option<Digest> {
    Digest::from_bytes(algorithm, &STANDARD.decode(coded.trim()).ok()?)
}

/// Tells `digest` in [`REPR_DIGEST`], if its algorithm has a name there.
pub fn tell(headers: &mut HeaderMap, digest: &Digest) {
    let named = LABELS.iter().find(|(_, algorithm)| *algorithm == digest.algorithm());
    let value = named.map(|(label, _)| format!("{label}=:{}:", STANDARD.encode(digest.bytes())));
    if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
        headers.insert(REPR_DIGEST.name, value);
    }
}

/// True where a request asks for the representation's digest in `algorithm`.
pub fn is_wanted(headers: &HeaderMap, algorithm: Algorithm) -> bool {
    let mut values = headers.get_all(WANT_REPR_DIGEST.0).iter().filter_map(|value| value.to_str().ok());
    let names_it = |member: &str| {
        let (key, weight) = member.split_once('=').unwrap_or((member, "1"));
        let is_it = LABELS.iter().any(|(label, had)| *had == algorithm && key.trim().eq_ignore_ascii_case(label));
        // Zero is "not acceptable".
        is_it && weight.split(';').next().is_some_and(|weight| weight.trim() != "0")
    };
    values.any(|value| value.split(',').any(names_it))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHA_256: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    const SHA_512: &str = "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";
    const SHA_1: &str = "2jmj7l5rSw0yVb/vlWAYkK/YBwk=";
    const MD5: &str = "1B2M2Y8AsgTpgAmY7PhCfg==";

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn names(field: DigestField, value: &str) -> Vec<Option<&'static str>> {
        let told = field.told(&headers(&[(field.name, value)]));
        told.iter().map(|told| told.as_ref().map(|digest| digest.algorithm().name())).collect()
    }

    #[test]
    fn members_are_read_in_their_order_and_those_of_other_algorithms_say_nothing() {
        for (field, value, expected) in [
            (REPR_DIGEST, format!("sha-256=:{SHA_256}:"), vec![Some("sha256")]),
            (CONTENT_DIGEST, format!("sha-256=:{SHA_256}:;q=1"), vec![Some("sha256")]),
            (REPR_DIGEST, format!("SHA-256=:{SHA_256}:"), vec![Some("sha256")]),
            (
                REPR_DIGEST,
                format!("sha-512=:{SHA_512}:, sha-256=:{SHA_256}:;x=1"),
                vec![Some("sha512"), Some("sha256")],
            ),
            (REPR_DIGEST, format!("unixsum=:AAAA:, md5=:{MD5}:, sha-1024=:AAAA:"), vec![Some("md5")]),
            (REPR_DIGEST, format!("sha-256={SHA_256}"), vec![None]),
            (REPR_DIGEST, "sha-256=:AAAA:, sha-256=::, sha-256=:\u{e9}:".to_owned(), vec![None]),
            (REPR_DIGEST, "sha-256=:AAAA:, sha-256=::".to_owned(), vec![None, None]),
            (DIGEST, format!("SHA-256={SHA_256}"), vec![Some("sha256")]),
            (DIGEST, format!("md5={MD5},sha = {SHA_1}"), vec![Some("md5"), Some("sha1")]),
            (DIGEST, format!("unixsum=30637, sha-512={SHA_512}"), vec![Some("sha512")]),
            (DIGEST, format!("SHA-256=:{SHA_256}:"), vec![None]),
            (CONTENT_MD5, MD5.to_owned(), vec![Some("md5")]),
            (CONTENT_MD5, "d41d8cd98f00b204e9800998ecf8427e".to_owned(), vec![None]),
            (CONTENT_MD5, String::new(), vec![None]),
        ] {
            assert_eq!(names(field, &value), expected, "{}: {value}", field.name);
        }
    }

    #[test]
    fn a_digest_is_wanted_unless_its_weight_is_zero() {
        for (value, wanted) in [
            ("sha-256", true),
            ("sha-256=10", true),
            ("SHA-256=1;x=2", true),
            ("sha-512=10, sha-256=3", true),
            ("sha-256=0", false),
            ("sha-512=10", false),
            ("sha-2567=10", false),
            ("", false),
        ] {
            assert_eq!(is_wanted(&headers(&[("want-repr-digest", value)]), Algorithm::Sha256), wanted, "{value}");
        }
    }

    #[test]
    fn a_server_understands_what_a_client_wants() {
        let (name, value) = WANT_REPR_DIGEST;
        let asked = HeaderMap::from_iter([(http::HeaderName::from_static(name), value)]);
        assert!(is_wanted(&asked, Algorithm::Sha256) && !is_wanted(&asked, Algorithm::Md5));
    }

    proptest! {
        #[test]
        fn a_client_reads_the_digest_that_a_server_writes(bytes in any::<[u8; 32]>()) {
            let digest = Digest::from_bytes(Algorithm::Sha256, &bytes).unwrap();
            let mut told = HeaderMap::new();
            tell(&mut told, &digest);
            prop_assert_eq!(REPR_DIGEST.told(&told), vec![Some(digest)]);
        }

        #[test]
        fn no_value_makes_a_reader_panic(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                for field in [REPR_DIGEST, DIGEST, CONTENT_MD5] {
                    let _ = field.told(&HeaderMap::from_iter([(http::HeaderName::from_static(field.name), value.clone())]));
                }
            }
        }
    }
}
