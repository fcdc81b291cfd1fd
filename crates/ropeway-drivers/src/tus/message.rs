//! What tus says on the wire (tus resumable upload protocol 1.0.0): its header fields, read and written.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header::LOCATION};
use ropeway_model::{Algorithm, Digest, SafeUrl, Timestamp, UploadName};

use crate::DriverError;

pub(super) const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(super) const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
/// Media type of a part, and of the first one in a creation.
pub(super) const PART_TYPE: HeaderValue = HeaderValue::from_static("application/offset+octet-stream");
pub(super) const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(super) const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(super) const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub(super) const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");

/// Files end before this offset on every system.
const LONGEST_FILE: u64 = i64::MAX as u64;
/// Checksums by their names in tus, the surest first.
const CHECKSUMS: [(&str, Algorithm); 4] =
    [("sha256", Algorithm::Sha256), ("sha512", Algorithm::Sha512), ("sha1", Algorithm::Sha1), ("md5", Algorithm::Md5)];

/// Extensions that a server offers, as far as they are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Features {
    /// Bytes of the largest upload.
    pub(super) max_size: Option<u64>,
    /// The first part may come with the creation.
    pub(super) creation_with_upload: bool,
    /// Checksum that is sent ahead of each part.
    pub(super) checksum: Option<Algorithm>,
}

impl Features {
    /// Those of an answer to `OPTIONS`.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let offers = |name: &str| listed(headers, &EXTENSION).any(|offered| offered.eq_ignore_ascii_case(name));
        let algorithm = |(name, algorithm): &(&str, Algorithm)| {
            listed(headers, &CHECKSUM_ALGORITHM).any(|offered| offered.eq_ignore_ascii_case(name)).then_some(*algorithm)
        };
        Self {
            max_size: number(headers, &MAX_SIZE),
            creation_with_upload: offers("creation-with-upload"),
            checksum: if offers("checksum") { CHECKSUMS.iter().find_map(algorithm) } else { None },
        }
    }
}

/// `Upload-Metadata` with the name of a file, and its media type where the name tells one.
pub(super) fn metadata(name: &UploadName) -> HeaderValue {
    let mut pairs = vec![("filename", STANDARD.encode(name.octets()))];
    pairs.extend(mime_guess::from_path(&*name.text()).first_raw().map(|kind| ("filetype", STANDARD.encode(kind))));
    let text = pairs.iter().map(|(key, value)| format!("{key} {value}")).collect::<Vec<_>>().join(",");
    HeaderValue::try_from(text).unwrap_or_else(|_| unreachable!("base64 is a header value"))
}

/// `Upload-Checksum` for a part; `None` for an algorithm that has no name in tus.
pub(super) fn checksum(digest: &Digest) -> Option<HeaderValue> {
    let (name, _) = CHECKSUMS.iter().find(|(_, algorithm)| *algorithm == digest.algorithm())?;
    HeaderValue::try_from(format!("{name} {}", STANDARD.encode(digest.bytes()))).ok()
}

/// `Upload-Offset`.
pub(super) fn offset(headers: &HeaderMap) -> Option<u64> {
    number(headers, &UPLOAD_OFFSET)
}

/// `Upload-Length`.
pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
    number(headers, &UPLOAD_LENGTH)
}

/// `Upload-Expires`.
pub(super) fn expires(headers: &HeaderMap) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(headers.get(UPLOAD_EXPIRES)?.to_str().ok()?).ok()?;
    let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(Timestamp::from_unix_ms)
}

/// Address of a new upload (`Location`), absolute or relative to the address it was created at.
///
/// A server behind a proxy that ends TLS tends to name its own scheme: on the host that was asked, http stands for https.
///
/// # Errors
/// [`DriverError::BadResponse`] without a usable address, [`DriverError::RedirectRefused`] where it gives the encryption up.
pub(super) fn location(created_at: &SafeUrl, headers: &HeaderMap) -> Result<SafeUrl, DriverError> {
    let bad = |reason: String| DriverError::BadResponse { url: created_at.clone(), reason };
    let named = headers.get(LOCATION).ok_or_else(|| bad("it created an upload and does not say where".to_owned()))?;
    let named = std::str::from_utf8(named.as_bytes()).map_err(|_| bad("its Location is no text".to_owned()))?;
    let asked = created_at.expose();
    let mut url = asked.join(named).map_err(|error| bad(format!("its Location is no address: {error}")))?;
    url.set_fragment(None);
    if (asked.scheme(), url.scheme()) == ("https", "http") && asked.host_str() == url.host_str() {
        let port = asked.port();
        // Both can be set: the address has a host.
        let _ = url.set_scheme("https");
        let _ = url.set_port(port);
    }
    match (asked.scheme(), url.scheme()) {
        (_, "https") | ("http", "http") => Ok(created_at.with_login_of_its_own(url)),
        ("https", "http") => {
            let reason = format!("the upload to {}, which gives the encryption up", SafeUrl::from(url));
            Err(DriverError::RedirectRefused { url: created_at.clone(), reason })
        }
        (_, scheme) => Err(bad(format!("its Location is a {scheme}: address"))),
    }
}

/// The value of a field that is one decimal number; `None` where it is missing, said twice or nothing of the kind.
fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?.trim();
    let is_plain = !value.is_empty() && value.bytes().all(|octet| octet.is_ascii_digit()) && values.next().is_none();
    is_plain.then(|| value.parse().ok()).flatten().filter(|number| *number <= LONGEST_FILE)
}

/// The members of a field that is a list.
fn listed<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
        }
        headers
    }

    #[test]
    fn an_offset_is_one_plain_number() {
        for (fields, expected) in [
            (&[("Upload-Offset", "0")][..], Some(0)),
            (&[("Upload-Offset", " 70 ")], Some(70)),
            (&[("Upload-Offset", "9223372036854775807")], Some(LONGEST_FILE)),
            (&[("Upload-Offset", "9223372036854775808")], None),
            (&[("Upload-Offset", "-1")], None),
            (&[("Upload-Offset", "+1")], None),
            (&[("Upload-Offset", "1.5")], None),
            (&[("Upload-Offset", "")], None),
            (&[("Upload-Offset", "5"), ("Upload-Offset", "6")], None),
            (&[], None),
        ] {
            assert_eq!(offset(&headers(fields)), expected, "{fields:?}");
        }
    }

    #[test]
    fn what_a_server_offers_is_read_from_lists_in_any_case() {
        let offered = headers(&[
            ("Tus-Extension", "creation, Creation-With-Upload"),
            ("Tus-Extension", "checksum"),
            ("Tus-Checksum-Algorithm", "md5,sha1,crc32"),
            ("Tus-Max-Size", "1000"),
        ]);
        let expected = Features { max_size: Some(1000), creation_with_upload: true, checksum: Some(Algorithm::Sha1) };
        assert_eq!(Features::read(&offered), expected);
        let unnamed = headers(&[("Tus-Extension", "checksum-trailer"), ("Tus-Checksum-Algorithm", "sha1")]);
        assert_eq!(Features::read(&unnamed), Features::default());
    }

    #[test]
    fn a_name_travels_octet_by_octet_with_the_type_that_it_tells() {
        for (name, expected) in [
            ("a b.bin", "filename YSBiLmJpbg==,filetype YXBwbGljYXRpb24vb2N0ZXQtc3RyZWFt"),
            ("\u{e4}", "filename w6Q="),
        ] {
            assert_eq!(metadata(&UploadName::from(name)), expected, "{name}");
        }
    }

    #[test]
    fn an_upload_lies_where_the_server_says_but_never_without_the_encryption_it_was_asked_with() {
        for (created_at, named, expected) in [
            ("https://u:p@tus.example/files/", "/files/1", Some("https://u:p@tus.example/files/1")),
            ("https://tus.example/files/", "1?x=2#f", Some("https://tus.example/files/1?x=2")),
            ("https://tus.example:8443/files/", "http://tus.example/files/1", Some("https://tus.example:8443/files/1")),
            ("https://tus.example/files/", "http://tus.example:1080/files/1", Some("https://tus.example/files/1")),
            ("https://u:p@tus.example/files/", "https://cdn.example/1", Some("https://cdn.example/1")),
            ("https://tus.example/files/", "http://cdn.example/1", None),
            ("http://tus.example/files/", "http://tus.example/files/1", Some("http://tus.example/files/1")),
            ("http://tus.example/files/", "ftp://tus.example/1", None),
        ] {
            let created_at: SafeUrl = created_at.parse().unwrap();
            let found = location(&created_at, &headers(&[("Location", named)])).ok();
            assert_eq!(found.map(|url| url.expose().as_str().to_owned()).as_deref(), expected, "{created_at} {named}");
        }
        assert!(location(&"http://tus.example/".parse().unwrap(), &HeaderMap::new()).is_err());
    }

    #[test]
    fn the_end_of_an_upload_is_a_date() {
        let told = headers(&[("Upload-Expires", "Wed, 25 Jun 2014 16:00:00 GMT")]);
        assert_eq!(expires(&told), Some(Timestamp::from_unix_ms(1_403_712_000_000)));
        assert_eq!(expires(&headers(&[("Upload-Expires", "soon")])), None);
    }
}
