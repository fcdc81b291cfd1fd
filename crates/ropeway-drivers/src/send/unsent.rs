//! Body of a request that may have to be sent again. It comes back as long as nobody has taken a byte of it.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use reqwest::RequestBuilder;

use crate::upload::SizedBody;

/// The body of a request, while nothing of it was sent.
pub(super) struct Unsent {
    place: Place,
    /// Without a byte that could be taken nothing shows whether the request was sent.
    has_bytes: bool,
    /// Whether there is a body at all.
    is_one: bool,
}

type Place = Arc<Mutex<Option<SizedBody>>>;

impl Unsent {
    pub(super) fn of(body: Option<SizedBody>) -> Self {
        let has_bytes = body.as_ref().is_some_and(|body| body.length() > 0);
        Self { has_bytes, is_one: body.is_some(), place: Arc::new(Mutex::new(body)) }
    }

    /// Gives the request its body, if it is to have one.
    pub(super) fn hand_over(&self, request: RequestBuilder) -> RequestBuilder {
        match self.place.lock().take() {
            Some(body) => {
                let lent = Lent { body: Some(body), is_untouched: true, place: Arc::clone(&self.place) };
                request.body(reqwest::Body::wrap(lent))
            }
            None => request,
        }
    }

    /// True where the request can be sent again and never arrives twice. What has no body only asks, and may be asked
    /// twice; what was `unconnected` was not sent at all.
    pub(super) fn is_back(&self, is_unconnected: bool) -> bool {
        !self.is_one || (self.place.lock().is_some() && (self.has_bytes || is_unconnected))
    }
}

/// A body that goes back where it came from, if it is dropped as it was.
struct Lent {
    /// Always there before the drop.
    body: Option<SizedBody>,
    is_untouched: bool,
    place: Place,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.is_untouched {
            *self.place.lock() = self.body.take();
        }
    }
}

impl Body for Lent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.is_untouched = false;
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(SizedBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, SizedBody::size_hint)
    }
}
