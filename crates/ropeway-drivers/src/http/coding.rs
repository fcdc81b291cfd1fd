//! Content codings that a server applies although it was asked not to. What becomes of them (RFC 9110 §8.4) follows
//! from the name: the saved file is what that promises.

use http::{
    HeaderMap,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use ropeway_model::FileName;
use ropeway_wire::transfer_coding;

/// The codings there are. Labels beside these, as some servers send (`none`, `utf-8`, `aws-chunked`), say nothing.
const CODINGS: [&str; 9] = ["gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd", "dcb", "dcz"];
/// Media types of files that are compressed by gzip themselves.
const GZIP_TYPES: [&str; 5] = [
    "application/gzip",
    "application/x-gzip",
    "application/x-tgz",
    "application/x-gtar-compressed",
    "application/tar+gzip",
];

/// A coding that is undone while the file is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 1950, or RFC 1951 alone as some servers send it.
    Deflate,
}

/// Coding to undo in an answer that is saved as `name`. `None` where the bytes are saved as they come.
///
/// A server that labels `a.tar.gz` as gzip-coded means the file itself: undoing that would save a tar under a wrong name.
///
/// # Errors
/// The label of a coding that cannot be undone here, where saving the bytes as they come would make a wrong file.
pub(super) fn to_undo(headers: &HeaderMap, name: &FileName) -> Result<Option<Coding>, String> {
    let codings = codings(headers);
    let [coding] = codings.as_slice() else {
        return if codings.is_empty() { Ok(None) } else { Err(codings.join(", ")) };
    };
    if promises(name, coding, headers) {
        return Ok(None);
    }
    of_label(coding).map(Some).ok_or_else(|| coding.clone())
}

/// Transfer coding to undo in an answer, beside `chunked`. That one the HTTP library undoes.
///
/// # Errors
/// The labels of codings that cannot be undone here.
pub(super) fn of_transfer(headers: &HeaderMap) -> Result<Option<Coding>, String> {
    let mut codings = transfer_coding::named(headers);
    if codings.last().is_some_and(|last| last == "chunked") {
        codings.pop();
    }
    match codings.as_slice() {
        [] => Ok(None),
        [one] => of_label(one).map(Some).ok_or_else(|| one.clone()),
        several => Err(several.join(", ")),
    }
}

fn of_label(label: &str) -> Option<Coding> {
    match label {
        "gzip" | "x-gzip" => Some(Coding::Gzip),
        "deflate" => Some(Coding::Deflate),
        _ => None,
    }
}

/// The codings of an answer, in lower case.
fn codings(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(CONTENT_ENCODING).iter();
    let labels = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let lower = labels.map(|label| String::from_utf8_lossy(label).trim().to_ascii_lowercase());
    lower.filter(|label| CODINGS.contains(&&**label)).collect()
}

/// Whether a file of this name is coded so by itself.
fn promises(name: &FileName, coding: &str, headers: &HeaderMap) -> bool {
    let extensions: &[&str] = match coding {
        "gzip" | "x-gzip" => &["gz", "gzip", "tgz", "taz", "svgz", "emz", "wmz", "cpgz", "vgz", "adz"],
        "compress" | "x-compress" => &["z", "taz"],
        "br" => &["br"],
        "zstd" => &["zst", "zstd", "tzst"],
        _ => &[],
    };
    match name.as_str().rsplit_once('.') {
        Some((_, extension)) => extensions.contains(&extension.to_ascii_lowercase().as_str()),
        None => coding.ends_with("gzip") && GZIP_TYPES.contains(&media_type(headers).to_ascii_lowercase().as_str()),
    }
}

/// The media type of an answer, without its parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header::TRANSFER_ENCODING};

    use super::*;

    #[test]
    fn a_transfer_coding_is_undone_or_refused_by_name() {
        for (label, expected) in [
            ("chunked", Ok(None)),
            ("identity", Ok(None)),
            ("", Ok(None)),
            ("gzip, chunked", Ok(Some(Coding::Gzip))),
            ("X-GZIP,Chunked", Ok(Some(Coding::Gzip))),
            ("deflate, chunked", Ok(Some(Coding::Deflate))),
            ("gzip", Ok(Some(Coding::Gzip))),
            ("compress, chunked", Err("compress".to_owned())),
            ("gzip, deflate, chunked", Err("gzip, deflate".to_owned())),
        ] {
            let headers = HeaderMap::from_iter([(TRANSFER_ENCODING, HeaderValue::from_static(label))]);
            assert_eq!(of_transfer(&headers), expected, "{label}");
        }
    }

    #[test]
    fn what_is_saved_is_what_the_name_promises() {
        let undone = |coding| Ok(Some(coding));
        let refused = |label: &str| Err(label.to_owned());
        for (name, media_type, label, expected) in [
            ("a.csv", "text/csv", "gzip", undone(Coding::Gzip)),
            ("a.csv", "text/csv", " X-GZIP ", undone(Coding::Gzip)),
            ("a.csv", "text/csv", "deflate", undone(Coding::Deflate)),
            ("a.tar.gz", "application/x-tar", "x-gzip", Ok(None)),
            ("a.TGZ", "application/octet-stream", "gzip", Ok(None)),
            ("download", "application/gzip", "gzip", Ok(None)),
            ("download", "text/plain", "gzip", undone(Coding::Gzip)),
            ("a.csv", "text/csv", "br", refused("br")),
            ("a.csv", "text/csv", "zstd", refused("zstd")),
            ("a.csv.zst", "text/csv", "zstd", Ok(None)),
            ("a.csv", "text/csv", "gzip, br", refused("gzip, br")),
            ("a.csv", "text/csv", "none", Ok(None)),
            ("a.csv", "text/csv", "utf-8", Ok(None)),
            ("a.csv", "text/csv", "aws-chunked", Ok(None)),
            ("a.csv", "text/csv", "aws-chunked,gzip", undone(Coding::Gzip)),
            ("a.csv", "text/csv", "x-foo", Ok(None)),
            ("a.csv", "text/csv", "identity", Ok(None)),
            ("a.csv", "text/csv", "", Ok(None)),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(label));
            assert_eq!(to_undo(&headers, &name.parse().unwrap()), expected, "{name} {label}");
        }
    }
}
