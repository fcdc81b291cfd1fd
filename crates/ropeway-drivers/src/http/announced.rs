//! The digests a server announces for a whole file: `Repr-Digest` (RFC 9530), `Digest` (RFC 3230), `Content-MD5`
//! (RFC 1864).
//!
//! With a content coding they are of the encoded bytes (RFC 9530 §3.1, RFC 3230 §4.2).

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName};
use ropeway_model::{Algorithm, Digest};

const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
const DIGEST: HeaderName = HeaderName::from_static("digest");
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

/// The algorithms that are looked for, the surest first: one comparison is enough.
const LABELS: [(&str, Algorithm); 4] =
    [("sha-256", Algorithm::Sha256), ("sha-512", Algorithm::Sha512), ("sha", Algorithm::Sha1), ("md5", Algorithm::Md5)];

/// The surest digest that an answer with the whole file (200) announces for it; `None` where there is none. What is
/// malformed, or in an algorithm not known here, says nothing.
///
/// An answer with a part must not be asked: its `Content-MD5` is of the part, and so may be its `Digest`.
pub(crate) fn of_whole(headers: &HeaderMap) -> Option<Digest> {
    repr_digest(headers).or_else(|| surest(headers, &DIGEST, instance_digest)).or_else(|| content_md5(headers))
}

/// The digest of the file that a request made, as the answer to an upload tells it. Its `Content-MD5` and `Digest` are
/// of the answer's own body.
pub(crate) fn repr_digest(headers: &HeaderMap) -> Option<Digest> {
    surest(headers, &REPR_DIGEST, dictionary_member)
}

type Find = fn(members: &str, label: &str) -> Option<Vec<u8>>;

fn surest(headers: &HeaderMap, name: &HeaderName, find: Find) -> Option<Digest> {
    let values: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    LABELS.iter().find_map(|(label, algorithm)| {
        let bytes = values.iter().find_map(|members| find(members, label))?;
        Digest::from_bytes(*algorithm, &bytes)
    })
}

/// The member `label=:base64:` of a dictionary (RFC 8941 §3.2; base64 has no comma). Later ones go before earlier ones.
fn dictionary_member(members: &str, label: &str) -> Option<Vec<u8>> {
    let mut named = members.rsplit(',').filter_map(|member| member.trim().strip_prefix(label)?.strip_prefix('='));
    let coded = named.next()?.split(';').next()?.trim().strip_prefix(':')?.strip_suffix(':')?;
    STANDARD.decode(coded).ok()
}

/// The member `label=base64` of the older notation, its name in any case (RFC 3230 §4.1.1).
fn instance_digest(members: &str, label: &str) -> Option<Vec<u8>> {
    let mut named = members.split(',').filter_map(|member| member.trim().split_once('='));
    let (_, coded) = named.find(|(name, _)| name.trim().eq_ignore_ascii_case(label))?;
    STANDARD.decode(coded.trim()).ok()
}

fn content_md5(headers: &HeaderMap) -> Option<Digest> {
    let coded = headers.get(CONTENT_MD5)?.to_str().ok()?;
    Digest::from_bytes(Algorithm::Md5, &STANDARD.decode(coded.trim()).ok()?)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const SHA_256: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    const SHA_512: &str = "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";
    const SHA_1: &str = "2jmj7l5rSw0yVb/vlWAYkK/YBwk=";
    const MD5: &str = "1B2M2Y8AsgTpgAmY7PhCfg==";

    fn headers(fields: &[(&'static str, String)]) -> HeaderMap {
        let field = |(name, value): &(&'static str, String)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        fields.iter().map(field).collect()
    }

    #[test]
    fn the_surest_of_the_announced_digests_is_taken_and_only_when_whole() {
        use Algorithm::{Md5, Sha1, Sha256, Sha512};
        for (name, value, expected) in [
            ("repr-digest", format!("sha-256=:{SHA_256}:"), Some(Sha256)),
            ("repr-digest", format!("sha-512=:{SHA_512}:, sha-256=:{SHA_256}:;x=1"), Some(Sha256)),
            ("repr-digest", format!("sha-512=:{SHA_512}:"), Some(Sha512)),
            ("repr-digest", format!("unixsum=:AAAA:, md5=:{MD5}:"), Some(Md5)),
            ("repr-digest", format!("sha-256={SHA_256}"), None),
            ("repr-digest", "sha-256=:AAAA:".to_owned(), None),
            ("repr-digest", "sha-256=::".to_owned(), None),
            ("digest", format!("SHA-256={SHA_256}"), Some(Sha256)),
            ("digest", format!("md5={MD5},sha={SHA_1}"), Some(Sha1)),
            ("digest", format!("unixsum=30637, sha-512={SHA_512}"), Some(Sha512)),
            ("digest", format!("SHA-256=:{SHA_256}:"), None),
            ("content-md5", MD5.to_owned(), Some(Md5)),
            ("content-md5", "d41d8cd98f00b204e9800998ecf8427e".to_owned(), None),
            ("content-digest", format!("sha-256=:{SHA_256}:"), None),
        ] {
            let announced = of_whole(&headers(&[(name, value.clone())]));
            assert_eq!(announced.map(|digest| digest.algorithm()), expected, "{name}: {value}");
        }
    }

    #[test]
    fn the_newer_field_goes_before_the_older_ones_and_an_upload_has_only_that() {
        let all = headers(&[
            ("content-md5", MD5.to_owned()),
            ("digest", format!("sha={SHA_1}")),
            ("repr-digest", format!("sha-512=:{SHA_512}:")),
        ]);
        assert_eq!(of_whole(&all).unwrap().algorithm(), Algorithm::Sha512);
        let old = headers(&[("content-md5", MD5.to_owned()), ("digest", format!("sha={SHA_1}"))]);
        assert_eq!(of_whole(&old).unwrap().algorithm(), Algorithm::Sha1);
        assert_eq!(repr_digest(&old), None);
    }
}
