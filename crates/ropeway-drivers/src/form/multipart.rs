//! Octets around a file in a form (RFC 7578). Names are escaped as the HTML standard says and browsers do.

use std::fmt::Write as _;

use bytes::{BufMut, Bytes, BytesMut};
use http::HeaderValue;
use ropeway_model::SafeUrl;

use crate::DriverError;

/// Octets of randomness in a boundary: no file contains it by chance, and nobody can guess it.
const BOUNDARY_OCTETS: usize = 16;

/// Octets before and behind the file, and the content type. That names the boundary.
#[derive(Debug)]
pub(super) struct Multipart {
    pub(super) before: Bytes,
    pub(super) behind: Bytes,
    pub(super) content_type: HeaderValue,
}

impl Multipart {
    /// A form whose only field, `field`, is the file `name`.
    pub(super) fn new(field: &str, name: &[u8], url: &SafeUrl) -> Result<Self, DriverError> {
        let mut random = [0; BOUNDARY_OCTETS];
        let no_luck = |reason: String| DriverError::ConnectionLost { host: url.host(), reason };
        getrandom::fill(&mut random).map_err(|error| no_luck(format!("no randomness for a boundary: {error}")))?;
        let mut boundary = String::from("ropeway-");
        for octet in random {
            // Writing to a string cannot fail.
            let _ = write!(boundary, "{octet:02x}");
        }
        let mut before = BytesMut::new();
        for piece in [
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"").as_bytes(),
            &escaped(field.as_bytes()),
            b"\"; filename=\"",
            &escaped(name),
            b"\"\r\nContent-Type: application/octet-stream\r\n\r\n",
        ] {
            before.put_slice(piece);
        }
        let behind = format!("\r\n--{boundary}--\r\n");
        let content_type = HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}"));
        let content_type = content_type.unwrap_or_else(|_| unreachable!("letters and digits are a header value"));
        Ok(Self { before: before.freeze(), behind: behind.into(), content_type })
    }
}

/// A name within quotes: only what would end the quotes or the line is replaced, as the HTML standard's form encoding
/// says; the rest stays as it is, UTF-8 or not.
fn escaped(name: &[u8]) -> Vec<u8> {
    name.iter().fold(Vec::with_capacity(name.len()), |mut escaped, octet| {
        match octet {
            b'"' => escaped.extend_from_slice(b"%22"),
            b'\r' => escaped.extend_from_slice(b"%0D"),
            b'\n' => escaped.extend_from_slice(b"%0A"),
            other => escaped.push(*other),
        }
        escaped
    })
}
