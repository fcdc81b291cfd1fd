//! Links that carry a signature and an end. Each time the user gets one it is another address of the same file.

use ropeway_model::{SafeUrl, Transfer};

/// Query parameters that are new with each signature (Amazon's and Microsoft's storage and delivery networks, Google Cloud
/// Storage, nginx's `secure_link` and its likes).
const SIGNED_WITH: [&str; 22] = [
    "access_token",
    "auth",
    "exp",
    "expires",
    "expiry",
    "hash",
    "hdnea",
    "hdnts",
    "hmac",
    "key-pair-id",
    "md5",
    "policy",
    "se",
    "sig",
    "sign",
    "signature",
    "ske",
    "skt",
    "sp",
    "st",
    "sv",
    "token",
];
/// The same, by how they begin.
const SIGNED_BY: [&str; 2] = ["x-amz-", "x-goog-"];

/// Whether `new` is the download `old` by a link that was only signed anew.
pub(super) fn is_anew(old: &Transfer, new: &Transfer) -> bool {
    match (old, new) {
        (
            Transfer::Download { from: old, into, name },
            Transfer::Download { from: new, into: new_into, name: new_name },
        ) => (into, name) == (new_into, new_name) && is_same_but_for_signature(old, new),
        _ => false,
    }
}

fn is_same_but_for_signature(old: &SafeUrl, new: &SafeUrl) -> bool {
    let (old, new) = (old.expose(), new.expose());
    let rest = |url: &url::Url| -> Vec<(String, String)> {
        url.query_pairs()
            .filter(|(name, _)| !is_of_signature(name))
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    };
    let is_signed = |url: &url::Url| url.query_pairs().any(|(name, _)| is_of_signature(&name));
    old.origin() == new.origin()
        && old.path() == new.path()
        && is_signed(old)
        && is_signed(new)
        && rest(old) == rest(new)
}

fn is_of_signature(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SIGNED_WITH.contains(&&*name) || SIGNED_BY.iter().any(|beginning| name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_signature_may_differ() {
        for (old, new, expected) in [
            ("https://h/a?X-Amz-Date=1&X-Amz-Signature=2", "https://h/a?X-Amz-Date=3&X-Amz-Signature=4", true),
            ("https://h/a?id=1&token=2", "https://h/a?id=1&token=3", true),
            ("https://h/a?id=1&token=2", "https://h/a?id=2&token=2", false),
            ("https://h/a?token=2", "https://h/b?token=3", false),
            ("https://h/a?token=2", "https://g/a?token=3", false),
            ("https://h/a?token=2", "http://h/a?token=2", false),
            ("https://h/a?id=1", "https://h/a?id=2", false),
            ("https://h/a", "https://h/a?token=2", false),
        ] {
            let transfer =
                |from: &str| Transfer::Download { from: from.parse().unwrap(), into: "/d".into(), name: None };
            assert_eq!(is_anew(&transfer(old), &transfer(new)), expected, "{old} {new}");
        }
    }
}
