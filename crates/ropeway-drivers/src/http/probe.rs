//! The first request: a plain `GET` for the whole file.
//!
//! No `HEAD`, which servers refuse or answer wrongly, and no `Range`, which spends one-time links on a part: what the
//! server does with this request says all there is to know, and its body is the download's beginning.

use http::{HeaderMap, header::CONTENT_DISPOSITION};
use ropeway_model::{FileName, SafeUrl};

use super::{announced, body, content_disposition, redirect, wire};
use crate::{Context, DriverError, Probe, exchange::error};

/// Sends the first request.
///
/// A server that applies a content coding although it was asked not to is taken at its word: the bytes, and the
/// length, are those of the encoded file.
pub(super) async fn probe(context: &Context, from: &SafeUrl) -> Result<Probe, DriverError> {
    let redirect::Answer { url, response } = redirect::get(context, from, &HeaderMap::new()).await?;
    match response.status().as_u16() {
        200 | 203 => {}
        206 => return Err(error::bad(&url, "it sends a part (206) where the whole file was asked for")),
        status @ (201..=299 | 304) => return Err(DriverError::NoContent { url, status }),
        _ => return Err(wire::status_error(url, &response)),
    }
    let headers = response.headers();
    let length = wire::content_length(headers).map_err(|wrong| error::bad(&url, wrong.to_string()))?;
    let named = headers.get(CONTENT_DISPOSITION).and_then(|value| content_disposition::file_name(value.as_bytes()));
    let name = named.unwrap_or_else(|| FileName::from_url(url.expose()));
    let validator = wire::validator(headers, length);
    // A transformed answer (203) may still carry the digest of what it was made from.
    let digest = (response.status().as_u16() == 200).then(|| announced::of_whole(headers)).flatten();
    let body = body::stream(response, url.clone(), &context.cancel, u64::MAX);
    Ok(Probe { url, name, validator, digest, body })
}
