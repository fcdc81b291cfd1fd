//! Header fields of tus (resumable upload protocol 1.0.0).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header::LOCATION};
use ropeway_model::{Algorithm, Digest, SafeUrl, Timestamp, UploadName};

use crate::number;

/// Version of the protocol that a message is in.
pub const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
/// The version that is spoken.
pub const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
/// Media type of a part. The first one in a creation has it, too.
pub const PART_TYPE: HeaderValue = HeaderValue::from_static("application/offset+octet-stream");
/// Bytes of the whole upload.
pub const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
/// Bytes that the server has.
pub const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
/// Names of the file, by their keys.
pub const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
/// Digest of the part that comes with it.
pub const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");

/// Checksums by their names in tus, the surest first.
const CHECKSUMS: [(&str, Algorithm); 4] =
    [("sha256", Algorithm::Sha256), ("sha512", Algorithm::Sha512), ("sha1", Algorithm::Sha1), ("md5", Algorithm::Md5)];

/// Extensions that a server offers, as far as they are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Bytes of the largest upload.
    pub max_size: Option<u64>,
    /// The first part may come with the creation.
    pub creation_with_upload: bool,
    /// Checksum that is sent ahead of each part.
    pub checksum: Option<Algorithm>,
}

impl Features {
    /// Those of an answer to `OPTIONS`.
    pub fn read(headers: &HeaderMap) -> Self {
        let offers = |name: &str| listed(headers, &EXTENSION).any(|offered| offered.eq_ignore_ascii_case(name));
        let algorithm = |(name, algorithm): &(&str, Algorithm)| {
            listed(headers, &CHECKSUM_ALGORITHM).any(|offered| offered.eq_ignore_ascii_case(name)).then_some(*algorithm)
        };
        Self {
            max_size: one_number(headers, &MAX_SIZE),
            creation_with_upload: offers("creation-with-upload"),
            checksum: if offers("checksum") { CHECKSUMS.iter().find_map(algorithm) } else { None },
        }
    }
}

/// `Upload-Metadata` with the name of a file. Its media type is there if that is known.
pub fn metadata(name: &UploadName, media_type: Option<&str>) -> HeaderValue {
    let mut pairs = vec![("filename", STANDARD.encode(name.octets()))];
    pairs.extend(media_type.map(|media_type| ("filetype", STANDARD.encode(media_type))));
    let text = pairs.iter().map(|(key, value)| format!("{key} {value}")).collect::<Vec<_>>().join(",");
    HeaderValue::try_from(text).unwrap_or_else(|_| unreachable!("base64 is a header value"))
}

/// Name of the file in `Upload-Metadata`, in octets, if it is there.
pub fn file_name(headers: &HeaderMap) -> Option<Vec<u8>> {
    let value = headers.get(UPLOAD_METADATA)?.to_str().ok()?;
    let mut pairs = value.split(',').filter_map(|pair| pair.trim().split_once(' '));
    let (_, name) = pairs.find(|(key, _)| *key == "filename")?;
    STANDARD.decode(name.trim()).ok()
}

/// `Upload-Checksum` for a part. `None` for an algorithm that has no name in tus.
pub fn checksum(digest: &Digest) -> Option<HeaderValue> {
    let (name, _) = CHECKSUMS.iter().find(|(_, algorithm)| *algorithm == digest.algorithm())?;
    HeaderValue::try_from(format!("{name} {}", STANDARD.encode(digest.bytes()))).ok()
}

/// `Upload-Offset`.
pub fn offset(headers: &HeaderMap) -> Option<u64> {
    one_number(headers, &UPLOAD_OFFSET)
}

/// `Upload-Length`.
pub fn length(headers: &HeaderMap) -> Option<u64> {
    one_number(headers, &UPLOAD_LENGTH)
}

/// `Upload-Expires`.
pub fn expires(headers: &HeaderMap) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(headers.get(UPLOAD_EXPIRES)?.to_str().ok()?).ok()?;
    let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(Timestamp::from_unix_ms)
}

/// Address of a new upload that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// No address, or none of HTTP.
    #[error("it created an upload at no address that can be used")]
    Unusable,
    /// An address without the encryption that the upload was created with.
    #[error("the upload to {0}, which gives the encryption up")]
    Downgrade(SafeUrl),
}

/// Address of a new upload (`Location`). It is absolute, or relative to the address it was created at.
///
/// A server behind a proxy that ends TLS tends to name its own scheme: on the host that was asked, http stands for https.
pub fn location(created_at: &SafeUrl, headers: &HeaderMap) -> Result<SafeUrl, LocationError> {
    let named = headers.get(LOCATION).and_then(|named| std::str::from_utf8(named.as_bytes()).ok());
    let asked = created_at.expose();
    let mut url = named.and_then(|named| asked.join(named).ok()).ok_or(LocationError::Unusable)?;
    url.set_fragment(None);
    if (asked.scheme(), url.scheme()) == ("https", "http") && asked.host_str() == url.host_str() {
        let port = asked.port();
        // Both can be set: the address has a host.
        let _ = url.set_scheme("https");
        let _ = url.set_port(port);
    }
    match (asked.scheme(), url.scheme()) {
        (_, "https") | ("http", "http") => Ok(created_at.with_login_of_its_own(url)),
        ("https", "http") => Err(LocationError::Downgrade(SafeUrl::without_login(url))),
        _ => Err(LocationError::Unusable),
    }
}

/// The value of a field that is one decimal number; `None` where it is missing, said twice or nothing of the kind.
fn one_number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?.trim();
    number::of_a_file(value).filter(|_| values.next().is_none())
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
            (&[("Upload-Offset", "9223372036854775807")], Some(number::LONGEST_FILE)),
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
    fn a_name_travels_octet_by_octet_with_its_media_type() {
        for (name, media_type, expected) in [
            ("a b.bin", Some("video/mp4"), "filename YSBiLmJpbg==,filetype dmlkZW8vbXA0"),
            ("\u{e4}", None, "filename w6Q="),
        ] {
            assert_eq!(metadata(&UploadName::from(name), media_type), expected, "{name}");
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
    fn a_name_is_read_as_it_was_written_among_others() {
        for (value, expected) in [
            ("filename YSBiLmJpbg==,filetype dmlkZW8vbXA0", Some(&b"a b.bin"[..])),
            ("name eA==, filename w6Q=", Some("\u{e4}".as_bytes())),
            ("filename", None),
            ("filename !", None),
            ("", None),
        ] {
            assert_eq!(file_name(&headers(&[("Upload-Metadata", value)])).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn the_end_of_an_upload_is_a_date() {
        let told = headers(&[("Upload-Expires", "Wed, 25 Jun 2014 16:00:00 GMT")]);
        assert_eq!(expires(&told), Some(Timestamp::from_unix_ms(1_403_712_000_000)));
        assert_eq!(expires(&headers(&[("Upload-Expires", "soon")])), None);
    }
}
