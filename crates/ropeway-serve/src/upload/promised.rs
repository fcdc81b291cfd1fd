//! What the client promises of the bytes it sends.

use http::HeaderMap;
use ropeway_model::Digest;
use ropeway_wire::digest_field::{CONTENT_DIGEST, CONTENT_MD5, DIGEST, DigestField, REPR_DIGEST};

use crate::refusal::Refusal;

/// Fields that speak of the bytes we store: uploads have no content coding, so content and representation are one.
const FIELDS: [DigestField; 4] = [REPR_DIGEST, CONTENT_DIGEST, DIGEST, CONTENT_MD5];

/// Every digest the client promises that we can take, each algorithm once.
///
/// # Errors
/// [`Refusal::BadDigest`] for one that cannot be read: taking the upload as verified would be a lie.
/// [`Refusal::DigestMismatch`] for two of one algorithm that differ, since no bytes can have both.
pub(super) fn promised(headers: &HeaderMap) -> Result<Vec<Digest>, Refusal> {
    let mut promised: Vec<Digest> = Vec::new();
    for told in FIELDS.iter().flat_map(|field| field.told(headers)) {
        let digest = told.ok_or(Refusal::BadDigest)?;
        match promised.iter().find(|other| other.algorithm() == digest.algorithm()) {
            None => promised.push(digest),
            Some(other) if *other == digest => {}
            Some(_) => return Err(Refusal::DigestMismatch),
        }
    }
    Ok(promised)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "sha-256=:ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=:";
    const OTHER: &str = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn promises_are_read_from_every_field_and_in_every_algorithm() {
        let sha_512 = format!("sha-512=:{}==:", "A".repeat(86));
        for (fields, algorithms) in [
            (vec![("repr-digest", ONE)], vec!["sha256"]),
            (vec![("content-digest", ONE)], vec!["sha256"]),
            (vec![("repr-digest", ONE), ("content-digest", ONE)], vec!["sha256"]),
            (vec![("repr-digest", &*format!("{sha_512}, {ONE}"))], vec!["sha512", "sha256"]),
            (vec![("repr-digest", &*format!("{ONE};q=1, unixsum=:AAAA:"))], vec!["sha256"]),
            (vec![("digest", "SHA-256=ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=,unixsum=3")], vec!["sha256"]),
            (vec![("digest", "md5=1B2M2Y8AsgTpgAmY7PhCfg==, sha=2jmj7l5rSw0yVb/vlWAYkK/YBwk=")], vec!["md5", "sha1"]),
            (
                vec![("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg=="), ("digest", "MD5=1B2M2Y8AsgTpgAmY7PhCfg==")],
                vec!["md5"],
            ),
            (vec![("repr-digest", "sha-1024=:AAAA:")], vec![]),
            (vec![], vec![]),
        ] {
            let had: Vec<&str> = promised(&headers(&fields)).unwrap().iter().map(|it| it.algorithm().name()).collect();
            assert_eq!(had, algorithms, "{fields:?}");
        }
    }

    #[test]
    fn a_promise_that_cannot_be_kept_or_read_is_refused() {
        assert_eq!(
            promised(&headers(&[("repr-digest", ONE), ("content-digest", OTHER)])),
            Err(Refusal::DigestMismatch)
        );
        for value in ["sha-256=abc", "sha-256=:abc:", "sha-256=:AAAA:", "sha-256=::", "sha-256=", "sha-256=:é:"] {
            assert_eq!(promised(&headers(&[("repr-digest", value)])), Err(Refusal::BadDigest), "{value}");
        }
        for (field, value) in [("content-md5", "AAAA"), ("content-md5", "zz"), ("digest", "sha-256=:AAAA:")] {
            assert_eq!(promised(&headers(&[(field, value)])), Err(Refusal::BadDigest), "{value}");
        }
    }
}
