//! Body of an upload, of a length known from the start. Bytes come before the file, then the file, then bytes behind
//! it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::{TryStreamExt as _, stream};
use hyper::body::{Body, Frame, SizeHint};

use super::Sending;
use crate::{PartBytes, TransportBody};

/// A body of exactly the announced length. A source with fewer or more bytes fails it, so that no server takes a file
/// that was cut or that grew for the whole one.
pub(crate) struct SizedBody {
    before: Bytes,
    file: PartBytes,
    file_left: u64,
    behind: Bytes,
    sending: Sending,
}

impl SizedBody {
    /// The body with `file`, which has `length` bytes, between `before` and `behind`.
    pub(crate) fn new(before: Bytes, file: PartBytes, length: u64, behind: Bytes) -> Self {
        let body = Self { before, file, file_left: length, behind, sending: Sending::default() };
        if body.length() == 0 {
            // Nobody asks an empty body for its end.
            body.sending.handed_over(true);
        }
        body
    }

    /// Octets that are still to come.
    pub(crate) fn length(&self) -> u64 {
        self.before.len() as u64 + self.file_left + self.behind.len() as u64
    }

    /// State of the body, for whoever waits for the answer.
    pub(crate) fn sending(&self) -> Sending {
        self.sending.clone()
    }

    /// The octets as a stream, for a transport in the network's place.
    pub(crate) fn octets(mut self) -> TransportBody {
        let next = move |context: &mut Context<'_>| Pin::new(&mut self).poll_frame(context);
        Box::pin(stream::poll_fn(next).map_ok(|frame| frame.into_data().unwrap_or_default()))
    }

    fn hand_over(&self, octets: Bytes) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.sending.handed_over(self.length() == 0);
        Poll::Ready(Some(Ok(Frame::data(octets))))
    }

    /// Keeps the error for the engine and ends the request with a copy of it.
    fn fail(&self, error: io::Error) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let copy = io::Error::new(error.kind(), error.to_string());
        self.sending.failed(error);
        Poll::Ready(Some(Err(copy)))
    }
}

impl Body for SizedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let body = &mut *self;
        if body.length() == 0 {
            // Asked once more behind its last octet it waits for nobody: it is the server's turn.
            return Poll::Ready(None);
        }
        if !body.before.is_empty() {
            let before = std::mem::take(&mut body.before);
            return body.hand_over(before);
        }
        body.sending.waits_for_source();
        match ready!(body.file.as_mut().poll_next(context)) {
            Some(Ok(chunk)) if chunk.len() as u64 <= body.file_left => {
                body.file_left -= chunk.len() as u64;
                body.hand_over(chunk)
            }
            Some(Ok(_)) => {
                body.fail(io::Error::new(io::ErrorKind::InvalidData, "it has more bytes than when it was opened"))
            }
            Some(Err(error)) => body.fail(error),
            None if body.file_left > 0 => {
                body.fail(io::Error::new(io::ErrorKind::UnexpectedEof, "it has fewer bytes than when it was opened"))
            }
            None if body.behind.is_empty() => Poll::Ready(None),
            None => {
                let behind = std::mem::take(&mut body.behind);
                body.hand_over(behind)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.length() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_tells_its_exact_length() {
        let body = SizedBody::new(Bytes::from_static(b"ab"), Box::pin(stream::empty()), 10, Bytes::from_static(b"c"));
        assert_eq!((body.length(), body.size_hint().exact()), (13, Some(13)));
    }
}
