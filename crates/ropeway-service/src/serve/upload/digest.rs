//! Digest fields (RFC 9530): what the client promises and what we answer.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderMap;
use ropeway_model::{Algorithm, Digest};

use crate::serve::refusal::Refusal;

/// Fields that speak of the bytes we store: uploads have no content coding, so content and representation are one.
const FIELDS: [&str; 2] = ["repr-digest", "content-digest"];

/// The SHA-256 the client promises, if it promises one.
///
/// # Errors
/// [`Refusal::BadDigest`] for one that cannot be read: taking the upload as verified would be a lie.
/// [`Refusal::DigestMismatch`] for two that differ, since no bytes can have both.
pub(super) fn promised(headers: &HeaderMap) -> Result<Option<Digest>, Refusal> {
    let mut promised: Option<Digest> = None;
    for value in FIELDS.iter().flat_map(|field| headers.get_all(*field)) {
        let value = value.to_str().map_err(|_| Refusal::BadDigest)?;
        // Other algorithms may stand beside ours; base64 has neither comma nor semicolon.
        for member in value.split(',') {
            let Some((key, bytes)) = member.split_once('=') else { continue };
            if !key.trim().eq_ignore_ascii_case("sha-256") {
                continue;
            }
            let digest = byte_sequence(bytes).ok_or(Refusal::BadDigest)?;
            if promised.as_ref().is_some_and(|other| *other != digest) {
                return Err(Refusal::DigestMismatch);
            }
            promised = Some(digest);
        }
    }
    Ok(promised)
}

/// A digest from a structured field's byte sequence (RFC 9651 §3.3.5).
fn byte_sequence(text: &str) -> Option<Digest> {
    let text = text.split(';').next()?.trim().strip_prefix(':')?.strip_suffix(':')?;
    Digest::from_bytes(Algorithm::Sha256, &STANDARD.decode(text).ok()?)
}

/// The value of `Repr-Digest`.
pub(in crate::serve) fn field_value(digest: &Digest) -> String {
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
    fn a_promise_is_read_from_either_field() {
        for fields in [
            vec![("repr-digest", ONE)],
            vec![("content-digest", ONE)],
            vec![("repr-digest", ONE), ("content-digest", ONE)],
            vec![("repr-digest", &*format!("sha-512=:AAAA:, {ONE}"))],
            vec![("repr-digest", &*format!("{ONE};q=1"))],
        ] {
            let digest = promised(&headers(&fields)).unwrap().unwrap();
            assert_eq!(field_value(&digest), ONE);
        }
        assert_eq!(promised(&headers(&[("repr-digest", "sha-512=:AAAA:")])), Ok(None));
        assert_eq!(promised(&HeaderMap::new()), Ok(None));
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
    }
}
