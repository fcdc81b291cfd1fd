//! The body of an answer, as bytes of a file.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use bytes::Bytes;
use futures_util::Stream;
use reqwest::Response;
use ropeway_model::SafeUrl;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::{ByteStream, DriverError, client::Offer, exchange::error};

/// At most `longest` bytes of the answer's body, as they come from the connection, without a copy.
///
/// Ends with [`DriverError::ConnectionLost`] where the connection ends before the body does, and with
/// [`DriverError::Canceled`] once `cancel` fires.
pub(super) fn stream(response: Response, url: SafeUrl, cancel: &CancellationToken, longest: u64) -> ByteStream {
    let canceled = Box::pin(cancel.clone().cancelled_owned());
    let offer = response.extensions().get::<Arc<Offer>>().cloned();
    Box::pin(Body { bytes: Some(response.bytes_stream()), canceled, url, offer, left: longest })
}

struct Body<S> {
    /// `None` once the stream has ended, however it did.
    bytes: Option<S>,
    canceled: Pin<Box<WaitForCancellationFutureOwned>>,
    url: SafeUrl,
    /// There where the request offered HTTP/2.
    offer: Option<Arc<Offer>>,
    left: u64,
}

impl<S: Stream<Item = reqwest::Result<Bytes>> + Unpin> Stream for Body<S> {
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
        let item = match std::task::ready!(Pin::new(bytes).poll_next(context)) {
            None => None,
            Some(Ok(mut chunk)) => {
                // More than was asked for belongs to the neighbour, who asks for it himself.
                chunk.truncate(usize::try_from(body.left).unwrap_or(usize::MAX));
                body.left -= chunk.len() as u64;
                return Poll::Ready(Some(Ok(chunk)));
            }
            Some(Err(cause)) => {
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
