//! `Repr-Digest`: the digest a server announces for the whole file (RFC 9530).

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderMap;
use ropeway_model::{Algorithm, Digest};

/// The SHA-256 among the announced digests; `None` where there is none or it is malformed.
///
/// With a content coding the digest is of the encoded bytes, which are the ones that are saved (RFC 9530 §3.1).
pub(crate) fn of(headers: &HeaderMap) -> Option<Digest> {
    headers.get_all("repr-digest").iter().filter_map(|value| value.to_str().ok()).find_map(sha_256)
}

/// The member `sha-256=:base64:` of the dictionary (RFC 8941 §3.2; base64 has no comma).
fn sha_256(dictionary: &str) -> Option<Digest> {
    let member = dictionary.split(',').find_map(|member| member.trim().strip_prefix("sha-256="))?;
    let coded = member.split(';').next()?.trim().strip_prefix(':')?.strip_suffix(':')?;
    Digest::from_bytes(Algorithm::Sha256, &STANDARD.decode(coded).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sha_256_is_found_among_others_and_only_when_whole() {
        let coded = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        for (value, found) in [
            (format!("sha-256=:{coded}:"), true),
            (format!("md5=:AAAA:, sha-256=:{coded}:;x=1"), true),
            (format!("sha-256={coded}"), false),
            ("sha-256=:AAAA:".to_owned(), false),
            ("sha-256=::".to_owned(), false),
            ("sha-512=:AAAA:".to_owned(), false),
        ] {
            assert_eq!(sha_256(&value).is_some(), found, "{value}");
        }
    }
}
