//! Digest fields (RFC 9530, RFC 3230, RFC 1864): what the client promises and what we answer.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderMap;
use ropeway_model::{Algorithm, Digest};

use crate::refusal::Refusal;

/// Fields that speak of the bytes we store, and how a member of them is read: uploads have no content coding, so content
/// and representation are one.
const FIELDS: [(&str, Read); 3] =
    [("repr-digest", byte_sequence), ("content-digest", byte_sequence), ("digest", instance_digest)];
/// The algorithms that are compared, as the registry calls them (RFC 9530 §7.2).
const ALGORITHMS: [(&str, Algorithm); 4] =
    [("sha-256", Algorithm::Sha256), ("sha-512", Algorithm::Sha512), ("sha", Algorithm::Sha1), ("md5", Algorithm::Md5)];
const CONTENT_MD5: &str = "content-md5";

/// The octets of one digest.
type Read = fn(text: &str) -> Option<Vec<u8>>;

/// Every digest the client promises that we can take, each algorithm once.
///
/// # Errors
/// [`Refusal::BadDigest`] for one that cannot be read: taking the upload as verified would be a lie.
/// [`Refusal::DigestMismatch`] for two of one algorithm that differ, since no bytes can have both.
pub(super) fn promised(headers: &HeaderMap) -> Result<Vec<Digest>, Refusal> {
    let mut promised = Vec::new();
    for (field, read) in FIELDS {
        for value in headers.get_all(field) {
            let value = value.to_str().map_err(|_| Refusal::BadDigest)?;
            // Other algorithms may stand beside ours; base64 has neither comma nor semicolon.
            for (key, text) in value.split(',').filter_map(|member| member.split_once('=')) {
                let known = ALGORITHMS.iter().find(|(name, _)| key.trim().eq_ignore_ascii_case(name));
                let Some((_, algorithm)) = known else { continue };
                add(&mut promised, *algorithm, read(text))?;
            }
        }
    }
    for value in headers.get_all(CONTENT_MD5) {
        let value = value.to_str().map_err(|_| Refusal::BadDigest)?;
        add(&mut promised, Algorithm::Md5, STANDARD.decode(value.trim()).ok())?;
    }
    Ok(promised)
}

fn add(promised: &mut Vec<Digest>, algorithm: Algorithm, octets: Option<Vec<u8>>) -> Result<(), Refusal> {
    let digest = octets.and_then(|octets| Digest::from_bytes(algorithm, &octets)).ok_or(Refusal::BadDigest)?;
    match promised.iter().find(|other| other.algorithm() == algorithm) {
        None => promised.push(digest),
        Some(other) if *other == digest => {}
        Some(_) => return Err(Refusal::DigestMismatch),
    }
    Ok(())
}

/// A structured field's byte sequence (RFC 9651 §3.3.5).
fn byte_sequence(text: &str) -> Option<Vec<u8>> {
    let text = text.split(';').next()?.trim().strip_prefix(':')?.strip_suffix(':')?;
    STANDARD.decode(text).ok()
}

/// The older notation, plain base64 (RFC 3230 §4.1.1).
fn instance_digest(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.trim()).ok()
}

/// The value of `Repr-Digest`.
pub(crate) fn field_value(digest: &Digest) -> String {
    format!("sha-256=:{}:", STANDARD.encode(digest.bytes()))
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
        assert_eq!(field_value(&promised(&headers(&[("repr-digest", ONE)])).unwrap()[0]), ONE);
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
