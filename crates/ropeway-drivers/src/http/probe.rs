//! The first request: a plain `GET` for the whole file.
//!
//! No `HEAD`, which servers refuse or answer wrongly, and no `Range`, which spends one-time links on a part: what the
//! server does with this request says all there is to know, and its body is the download's beginning.

use http::{
    HeaderMap,
    header::{ACCEPT_RANGES, CONTENT_DISPOSITION},
};
use ropeway_model::{FileName, SafeUrl, Validator};
use ropeway_wire::{content_disposition, content_length, validator};

use super::{announced, body, coding, decoded, page, redirect};
use crate::{Context, DriverError, Probe, client::Connection, send::error};

/// Sends the first request.
///
/// Where a server applies a content coding although it was asked not to, the body is what the file's name promises. If
/// that takes decoding, nothing is known of the file's length, version and digest: those told are the encoded one's.
pub(super) async fn probe(context: &Context, from: &SafeUrl) -> Result<Probe, DriverError> {
    let connection = context.pace.map_or(Connection::Shared, Connection::Narrow);
    let redirect::Answer { url, response } = redirect::get(context, from, &HeaderMap::new(), connection).await?;
    match response.status().as_u16() {
        200 | 203 => {}
        206 => return Err(error::bad(&url, "it sends a part (206) where the whole file was asked for")),
        status @ (201..=299 | 304) => return Err(DriverError::NoContent { url, status }),
        _ => return Err(error::of_status(url, &response)),
    }
    let headers = response.headers();
    let length = content_length::announced(headers).map_err(|wrong| error::bad(&url, wrong.to_string()))?;
    let name = name(headers, &url);
    let saved_as = context.saved_as.as_ref().unwrap_or(&name);
    let labeled = coding::to_undo(headers, saved_as).map_err(|label| {
        let reason = format!("it is compressed by {label}, which cannot be undone here");
        DriverError::ContentCoding { url: url.clone(), reason }
    })?;
    let (validator, digest) = (validator::of_answer(headers, length), announced::of_whole(headers));
    // A transformed answer (203) may still carry the digest of what it was made from.
    let digest = digest.filter(|_| response.status().as_u16() == 200);
    let label = page::label(headers, saved_as);
    let offers_ranges = headers.get(ACCEPT_RANGES).is_some_and(|units| units.as_bytes().eq_ignore_ascii_case(b"bytes"));
    let handshake = response.extensions().get().copied();
    let body = body::stream(response, &url, &context.cancel, u64::MAX)?;
    let (coding, mut body) = decoded::look(body, labeled, &url).await?;
    let (validator, digest) = if coding.is_none() { (validator, digest) } else { (Validator::default(), None) };
    let offers_ranges = offers_ranges && coding.is_none();
    if let Some(coding) = coding {
        tracing::debug!(%url, ?coding, "the server compresses the file; that is undone");
        body = decoded::stream(body, coding, url.clone());
    }
    let mut is_page = false;
    if let Some(label) = label {
        (is_page, body) = page::look(body, label, &url).await?;
    }
    Ok(Probe { url, name, validator, digest, is_page, offers_ranges, handshake, body })
}

/// Name that the answer's head gives the file. Else it is the one that its address ends in.
pub(super) fn name(headers: &HeaderMap, url: &SafeUrl) -> FileName {
    let named = headers.get(CONTENT_DISPOSITION).and_then(|value| content_disposition::file_name(value.as_bytes()));
    named.unwrap_or_else(|| FileName::from_url(url.expose()))
}
