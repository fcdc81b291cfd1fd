//! Digests that an answer tells of a whole file, surest first. Products have fields beside the standards.
//!
//! With a content coding they are of the encoded bytes (RFC 9530 §3.1, RFC 3230 §4.2).

use http::{HeaderMap, HeaderValue, header::ETAG};
use ropeway_model::{Algorithm, Digest};
use ropeway_wire::digest_field::{CONTENT_DIGEST, CONTENT_MD5, DIGEST, DigestField, REPR_DIGEST};

use crate::Evidence;

/// What is looked for, the surest first: one comparison is enough.
const SUREST: [Algorithm; 4] = [Algorithm::Sha256, Algorithm::Sha512, Algorithm::Sha1, Algorithm::Md5];

/// That of Google Cloud Storage.
const GOOG_HASH: DigestField = DigestField::of_instances("x-goog-hash");
/// Fields of one digest in base64: those of S3.
const CODED: [DigestField; 3] = [
    DigestField::of_one("x-amz-checksum-sha256", Algorithm::Sha256),
    DigestField::of_one("x-amz-checksum-sha1", Algorithm::Sha1),
    DigestField::of_one("x-amz-checksum-crc32c", Algorithm::Crc32c),
];
/// Fields of one digest in hexadecimal: those of repositories of packages.
const HEXADECIMAL: [(&str, Algorithm); 4] = [
    ("x-checksum-sha256", Algorithm::Sha256),
    ("x-checksum-sha512", Algorithm::Sha512),
    ("x-checksum-sha1", Algorithm::Sha1),
    ("x-checksum-md5", Algorithm::Md5),
];

/// Surest digest that a 200 announces for the whole file. `None` where there is none. What is malformed, or in an
/// algorithm not known here, says nothing.
///
/// An answer with a part must not be asked: its `Content-MD5` is of the part, and so may be its `Digest`.
pub(crate) fn of_whole(headers: &HeaderMap) -> Option<Digest> {
    // Of a whole answer the content is the representation (RFC 9530 §2).
    [REPR_DIGEST, CONTENT_DIGEST, DIGEST, CONTENT_MD5].iter().find_map(|field| surest(headers, field))
}

/// Evidence of the stored bytes in an answer to an upload. It may also be an answer about a stored file. Each field
/// tells its surest digest.
///
/// Any of them may be of the answer's own body instead (RFC 9530 §2, appendix B): that is for whoever compares to see.
pub(crate) fn of_stored(headers: &HeaderMap) -> Vec<Evidence> {
    let named = [REPR_DIGEST, CONTENT_DIGEST, DIGEST, CONTENT_MD5, GOOG_HASH];
    let coded = named.iter().chain(&CODED).map(|field| surest(headers, field));
    let hexadecimal = HEXADECIMAL.iter().map(|(name, algorithm)| {
        let value = headers.get(*name)?.to_str().ok()?;
        format!("{}:{}", algorithm.name(), value.trim()).parse().ok()
    });
    let digests = coded.chain(hexadecimal).flatten().map(Evidence::Digest);
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

/// The surest digest of a field. Later members go before earlier ones, as in every dictionary (RFC 9651 §4.2.2).
fn surest(headers: &HeaderMap, field: &DigestField) -> Option<Digest> {
    let told: Vec<Digest> = field.told(headers).into_iter().flatten().collect();
    let surest = SUREST.iter().find_map(|algorithm| told.iter().rev().find(|digest| digest.algorithm() == *algorithm));
    surest.or(told.last()).cloned()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

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
            ("repr-digest", format!("SHA-256=:{SHA_256}:"), Some(Sha256)),
            ("repr-digest", format!("sha-256=:AAAA:, sha-512=:{SHA_512}:"), Some(Sha512)),
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
