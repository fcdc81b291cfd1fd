//! The digests a server announces for a whole file: `Repr-Digest` and `Content-Digest` (RFC 9530), `Digest` (RFC 3230), `Content-MD5`
//! (RFC 1864).
//!
//! With a content coding they are of the encoded bytes (RFC 9530 §3.1, RFC 3230 §4.2).

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header::ETAG};
use ropeway_model::{Algorithm, Digest};

use crate::Evidence;

const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
const DIGEST: HeaderName = HeaderName::from_static("digest");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
const GOOG_HASH: HeaderName = HeaderName::from_static("x-goog-hash");
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

/// The algorithms that are looked for, the surest first: one comparison is enough.
const LABELS: [(&str, Algorithm); 4] =
    [("sha-256", Algorithm::Sha256), ("sha-512", Algorithm::Sha512), ("sha", Algorithm::Sha1), ("md5", Algorithm::Md5)];

/// Fields of one digest in base64: those of S3.
const CODED: [(&str, Algorithm); 3] = [
    ("x-amz-checksum-sha256", Algorithm::Sha256),
    ("x-amz-checksum-sha1", Algorithm::Sha1),
    ("x-amz-checksum-crc32c", Algorithm::Crc32c),
];
/// Fields of one digest in hexadecimal: those of repositories of packages.
const HEXADECIMAL: [(&str, Algorithm); 4] = [
    ("x-checksum-sha256", Algorithm::Sha256),
    ("x-checksum-sha512", Algorithm::Sha512),
    ("x-checksum-sha1", Algorithm::Sha1),
    ("x-checksum-md5", Algorithm::Md5),
];

/// The surest digest that an answer with the whole file (200) announces for it; `None` where there is none. What is
/// malformed, or in an algorithm not known here, says nothing.
///
/// An answer with a part must not be asked: its `Content-MD5` is of the part, and so may be its `Digest`.
pub(crate) fn of_whole(headers: &HeaderMap) -> Option<Digest> {
    surest(headers, &REPR_DIGEST, dictionary_member)
        // Of a whole answer the content is the representation (RFC 9530 §2).
        .or_else(|| surest(headers, &CONTENT_DIGEST, dictionary_member))
        .or_else(|| surest(headers, &DIGEST, instance_digest))
        .or_else(|| content_md5(headers))
}

/// What an answer to an upload, or about a stored file, says of the bytes that the server has. Each field tells its
/// surest digest.
///
/// Any of them may be of the answer's own body instead (RFC 9530 §2, appendix B): that is for whoever compares to see.
pub(crate) fn of_stored(headers: &HeaderMap) -> Vec<Evidence> {
    let named = [
        surest(headers, &REPR_DIGEST, dictionary_member),
        surest(headers, &CONTENT_DIGEST, dictionary_member),
        surest(headers, &DIGEST, instance_digest),
        content_md5(headers),
        surest(headers, &GOOG_HASH, instance_digest),
    ];
    let coded = CODED.iter().map(|(name, algorithm)| {
        let value = headers.get(*name)?.to_str().ok()?;
        Digest::from_bytes(*algorithm, &STANDARD.decode(value.trim()).ok()?)
    });
    let hexadecimal = HEXADECIMAL.iter().map(|(name, algorithm)| {
        let value = headers.get(*name)?.to_str().ok()?;
        format!("{}:{}", algorithm.name(), value.trim()).parse().ok()
    });
    let digests = named.into_iter().chain(coded).chain(hexadecimal).flatten().map(Evidence::Digest);
    digests.chain(tag(headers)).collect()
}

/// The entity tag, where it may be the MD5 of the file. S3 says so of files that were sent in one request and that it
/// does not encrypt with a key of their own; of others' tags nobody says anything.
fn tag(headers: &HeaderMap) -> Option<Evidence> {
    let value = headers.get(ETAG)?.to_str().ok()?.trim();
    let opaque = value.strip_prefix("W/").unwrap_or(value).strip_prefix('"')?.strip_suffix('"')?;
    let digest: Digest = format!("md5:{opaque}").parse().ok()?;
    let encryption = headers.get("x-amz-server-side-encryption").map(HeaderValue::as_bytes);
    let is_plain = matches!(encryption, None | Some(b"AES256"))
        && !headers.contains_key("x-amz-server-side-encryption-customer-algorithm");
    let is_of_s3 = headers.contains_key("x-amz-request-id");
    Some(if is_of_s3 && is_plain { Evidence::Digest(digest) } else { Evidence::PerhapsMd5(digest) })
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
            ("content-digest", format!("sha-256=:{SHA_256}:"), Some(Sha256)),
        ] {
            let announced = of_whole(&headers(&[(name, value.clone())]));
            assert_eq!(announced.map(|digest| digest.algorithm()), expected, "{name}: {value}");
        }
    }

    #[test]
    fn the_newer_field_goes_before_the_older_ones() {
        let all = headers(&[
            ("content-md5", MD5.to_owned()),
            ("digest", format!("sha={SHA_1}")),
            ("repr-digest", format!("sha-512=:{SHA_512}:")),
        ]);
        assert_eq!(of_whole(&all).unwrap().algorithm(), Algorithm::Sha512);
        let old = headers(&[("content-md5", MD5.to_owned()), ("digest", format!("sha={SHA_1}"))]);
        assert_eq!(of_whole(&old).unwrap().algorithm(), Algorithm::Sha1);
    }

    #[test]
    fn what_is_said_of_a_stored_file_is_found_in_every_field_that_says_it() {
        use Algorithm::{Crc32c, Md5, Sha1, Sha256, Sha512};
        let md5 = "d41d8cd98f00b204e9800998ecf8427e";
        for (name, value, expected) in [
            ("repr-digest", format!("sha-256=:{SHA_256}:"), Some(Sha256)),
            ("content-digest", format!("sha-512=:{SHA_512}:"), Some(Sha512)),
            ("digest", format!("SHA-256={SHA_256}"), Some(Sha256)),
            ("content-md5", MD5.to_owned(), Some(Md5)),
            ("x-goog-hash", format!("crc32c=AAAAAA==,md5={MD5}"), Some(Md5)),
            ("x-amz-checksum-sha1", SHA_1.to_owned(), Some(Sha1)),
            ("x-amz-checksum-crc32c", "AAAAAA==".to_owned(), Some(Crc32c)),
            ("x-amz-checksum-sha256", format!("{SHA_256}-2"), None),
            ("x-checksum-md5", md5.to_owned(), Some(Md5)),
            ("x-checksum-sha256", md5.to_owned(), None),
        ] {
            let found = of_stored(&headers(&[(name, value.clone())]));
            let algorithms: Vec<_> = found.iter().map(|evidence| evidence.digest().algorithm()).collect();
            assert_eq!(algorithms, expected.into_iter().collect::<Vec<_>>(), "{name}: {value}");
            assert!(found.iter().all(|evidence| matches!(evidence, Evidence::Digest(_))));
        }
    }

    #[test]
    fn a_tag_is_an_md5_only_where_the_server_is_known_to_make_it_so() {
        let md5 = "\"d41d8cd98f00b204e9800998ecf8427e\"".to_owned();
        let s3 = ("x-amz-request-id", "1".to_owned());
        let kms = ("x-amz-server-side-encryption", "aws:kms".to_owned());
        let is_certain = |fields: &[(&'static str, String)]| match of_stored(&headers(fields)).first() {
            Some(Evidence::Digest(_)) => Some(true),
            Some(Evidence::PerhapsMd5(_)) => Some(false),
            None => None,
        };
        assert_eq!(is_certain(&[("etag", md5.clone()), s3.clone()]), Some(true));
        assert_eq!(is_certain(&[("etag", md5.clone()), s3.clone(), kms]), Some(false));
        assert_eq!(is_certain(&[("etag", md5.clone())]), Some(false));
        assert_eq!(is_certain(&[("etag", format!("W/{md5}"))]), Some(false));
        assert_eq!(is_certain(&[("etag", "\"d41d8cd98f00b204e9800998ecf8427e-2\"".to_owned()), s3]), None);
        assert_eq!(is_certain(&[("etag", "\"1a-2b\"".to_owned())]), None);
    }
}
