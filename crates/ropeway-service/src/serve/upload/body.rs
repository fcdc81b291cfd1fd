//! A request body that keeps to the client's limit, and a client that keeps to a minimum pace.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, header};
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout};

use crate::{
    serve::{refusal::Refusal, throttle::Bucket},
    transport::pace::Pace,
};

/// How much of a refused upload is still read. Closing at once would make the client's kernel discard the response
/// together with the connection, and the client would see a broken pipe instead of the reason.
const LINGER_BYTES: usize = 64 * 1024 * 1024;
/// How long a refused upload is still read.
const LINGER_TIME: Duration = Duration::from_secs(5);

/// The bytes of an upload in order, as fast as the throttle grants them.
pub(in crate::serve) struct UploadBody {
    body: Incoming,
    bucket: Arc<Bucket>,
    pace: Pace,
    /// The client waits for "100 Continue" before it sends anything; hyper sends that when the body is first polled.
    waits_for_us: bool,
    step: Step,
}

enum Step {
    Next,
    /// Nothing has arrived since this instant.
    Waiting(Instant, Pin<Box<Sleep>>),
    /// Bytes have arrived but are not earned yet.
    Throttled(Bytes, Pin<Box<Sleep>>),
}

impl UploadBody {
    pub(in crate::serve) fn new(body: Incoming, headers: &HeaderMap, bucket: Arc<Bucket>) -> Self {
        let waits_for_us = headers.contains_key(header::EXPECT);
        Self { body, bucket, pace: Pace::default(), waits_for_us, step: Step::Next }
    }

    /// Reads on for a while after a refusal, so that the client gets to read the response.
    pub(in crate::serve) async fn linger(mut self) {
        if self.waits_for_us {
            return;
        }
        let drain = async {
            let mut left = LINGER_BYTES;
            while let Some(Ok(bytes)) = self.next().await {
                left = left.saturating_sub(bytes.len());
                if left == 0 {
                    break;
                }
            }
        };
        let _ = timeout(LINGER_TIME, drain).await;
    }

    /// Takes bytes that have arrived; gives them out at once or holds them until they are earned.
    fn arrived(&mut self, bytes: Bytes, waited: Duration) -> Result<Option<Bytes>, Refusal> {
        let length = bytes.len() as u64;
        if !self.pace.record(waited, length) {
            return Err(Refusal::TooSlow);
        }
        let earned = self.bucket.grant(length);
        if earned <= Instant::now() {
            return Ok(Some(bytes));
        }
        self.step = Step::Throttled(bytes, Box::pin(sleep_until(earned)));
        Ok(None)
    }
}

impl Stream for UploadBody {
    type Item = Result<Bytes, Refusal>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        this.waits_for_us = false;
        loop {
            if let Step::Throttled(bytes, until) = &mut this.step {
                ready!(until.as_mut().poll(cx));
                let bytes = std::mem::take(bytes);
                this.step = Step::Next;
                return Poll::Ready(Some(Ok(bytes)));
            }
            let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) else {
                if matches!(this.step, Step::Next) {
                    this.step = Step::Waiting(Instant::now(), Box::pin(sleep(this.pace.patience())));
                }
                if let Step::Waiting(_, patience) = &mut this.step {
                    ready!(patience.as_mut().poll(cx));
                }
                return Poll::Ready(Some(Err(Refusal::TooSlow)));
            };
            let waited = match std::mem::replace(&mut this.step, Step::Next) {
                Step::Waiting(since, _) => since.elapsed(),
                Step::Next | Step::Throttled(..) => Duration::ZERO,
            };
            let bytes = match frame {
                None => return Poll::Ready(None),
                Some(Err(error)) => {
                    tracing::debug!(%error, "upload cut");
                    return Poll::Ready(Some(Err(Refusal::BodyCut)));
                }
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            };
            // Trailers carry nothing for us.
            if bytes.is_empty() {
                continue;
            }
            match this.arrived(bytes, waited) {
                Ok(None) => {}
                Ok(Some(bytes)) => return Poll::Ready(Some(Ok(bytes))),
                Err(refusal) => return Poll::Ready(Some(Err(refusal))),
            }
        }
    }
}
