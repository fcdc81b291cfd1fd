//! The body of an answer, as bytes of a file.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::Version;
use hyper::body::Body as _;
use reqwest::Response;
use ropeway_model::SafeUrl;
use ropeway_wire::{content_length, transfer_coding};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::{coding, decoded};
use crate::{ByteStream, DriverError, client::AlpnLead, send::error};

/// Body of an answer, at most `longest` bytes of it. They come from the connection without a copy where nothing has to
/// be undone.
///
/// Ends with [`DriverError::ConnectionLost`] where the connection ends before the body does, and with
/// [`DriverError::Canceled`] once `cancel` fires.
///
/// # Errors
/// [`DriverError::ContentCoding`] for a transfer coding that cannot be undone here; [`DriverError::BadResponse`] for a
/// malformed length.
pub(super) fn stream(
    response: Response,
    url: &SafeUrl,
    cancel: &CancellationToken,
    longest: u64,
) -> Result<ByteStream, DriverError> {
    let headers = response.headers();
    let coding = coding::of_transfer(headers).map_err(|label| {
        let reason = format!("its transfer coding {label} cannot be undone here");
        DriverError::ContentCoding { url: url.clone(), reason }
    })?;
    // The library does not know the coding that is none, and would wait for the end of the connection.
    let is_told = transfer_coding::has_identity(headers);
    let length = content_length::announced(headers).map_err(|wrong| error::bad(url, wrong.to_string()))?;
    let expected = length.filter(|_| is_told && coding.is_none());
    let canceled = Box::pin(cancel.clone().cancelled_owned());
    let offer = response.extensions().get::<Arc<AlpnLead>>().cloned();
    let left = expected.unwrap_or(u64::MAX);
    let is_exact = expected.is_some();
    let has_own_end = response.version() == Version::HTTP_2;
    let octets = Octets { body: response.into(), has_own_end };
    let raw = |left| Body { bytes: Some(octets), canceled, url: url.clone(), offer, left, is_exact };
    match coding {
        None => Ok(Box::pin(raw(left.min(longest)))),
        Some(coding) => {
            tracing::debug!(%url, ?coding, "the server compresses the transfer; that is undone");
            let undone = decoded::stream(Box::pin(raw(left)), coding, url.clone());
            Ok(Box::pin(first(undone, longest)))
        }
    }
}

/// The first `longest` bytes of a body.
fn first(body: ByteStream, longest: u64) -> impl Stream<Item = Result<Bytes, DriverError>> + Send {
    body.scan(longest, |left, item| {
        let item = match item {
            Ok(_) if *left == 0 => None,
            Ok(mut chunk) => {
                chunk.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= chunk.len() as u64;
                Some(Ok(chunk))
            }
            Err(error) => Some(Err(error)),
        };
        std::future::ready(item)
    })
}

/// The octets of a body as the HTTP library gives them.
struct Octets {
    body: reqwest::Body,
    /// Whether the end of the body is told for itself.
    has_own_end: bool,
}

/// How the next octets come.
enum Next {
    Chunk(Bytes),
    End,
    /// The end came without what tells it.
    Cut,
    Broken(reqwest::Error),
}

impl Octets {
    fn poll_next(&mut self, context: &mut TaskContext<'_>) -> Poll<Next> {
        let mut body = Pin::new(&mut self.body);
        loop {
            return Poll::Ready(match std::task::ready!(body.as_mut().poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(chunk) => Next::Chunk(chunk),
                    // Trailers tell nothing that is used.
                    Err(_) => continue,
                },
                Some(Err(cause)) => Next::Broken(cause),
                // The library takes a stream that is closed without an error for a whole one. Such a close only asks to send
                // no more of the request, and comes behind the end of the answer (RFC 9113 §8.1).
                None if self.has_own_end && !body.is_end_stream() => Next::Cut,
                None => Next::End,
            });
        }
    }
}

struct Body {
    /// `None` once the stream has ended, however it did.
    bytes: Option<Octets>,
    canceled: Pin<Box<WaitForCancellationFutureOwned>>,
    url: SafeUrl,
    /// There where the request offered HTTP/2.
    offer: Option<Arc<AlpnLead>>,
    left: u64,
    /// Whether a body that ends with some left is cut.
    is_exact: bool,
}

impl Stream for Body {
    type Item = Result<Bytes, DriverError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let body = &mut *self;
        let Some(bytes) = body.bytes.as_mut() else { return Poll::Ready(None) };
        if body.left == 0 {
            body.bytes = None;
            return Poll::Ready(None);
        }
        if body.canceled.as_mut().poll(context).is_ready() {
            body.bytes = None;
            return Poll::Ready(Some(Err(DriverError::Canceled)));
        }
        let item = match std::task::ready!(bytes.poll_next(context)) {
            Next::End if body.is_exact => {
                let (host, reason) = (body.url.host(), "it ended before the announced length".to_owned());
                Some(Err(DriverError::ConnectionLost { host, reason }))
            }
            Next::End => None,
            Next::Cut => {
                let (host, reason) = (body.url.host(), "the stream was closed before its end".to_owned());
                Some(Err(DriverError::StreamLost { host, reason }))
            }
            Next::Chunk(mut chunk) => {
                // More than was asked for belongs to the neighbour, who asks for it himself.
                chunk.truncate(usize::try_from(body.left).unwrap_or(usize::MAX));
                body.left -= chunk.len() as u64;
                return Poll::Ready(Some(Ok(chunk)));
            }
            Next::Broken(cause) => {
                let fault = body.offer.as_ref().and_then(|offer| error::fault_of_body(&cause, offer.is_shared()));
                if let (Some(offer), Some(fault)) = (&body.offer, fault) {
                    offer.failed(fault);
                }
                Some(Err(error::of_body(&body.url, &cause, fault)))
            }
        };
        body.bytes = None;
        Poll::Ready(item)
    }
}
