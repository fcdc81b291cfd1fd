//! A request body that keeps to the client's limit, and a client that keeps to a minimum pace.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, header};
use hyper::body::{Body, Incoming};
use ropeway_flow::throttle::{Bucket, Turn};
use ropeway_net::{pace::Pace, visit::Visit};
use tokio::time::{Instant, Sleep, sleep, timeout};

use crate::refusal::Refusal;

/// How much of a refused upload is still read. Closing at once would make the client's kernel discard the response
/// together with the connection, and the client would see a broken pipe instead of the reason.
const LINGER_BYTES: usize = 64 * 1024 * 1024;
/// How long a refused upload is still read.
const LINGER_TIME: Duration = Duration::from_secs(5);

/// The bytes of an upload in order, as fast as the throttle grants them.
pub(crate) struct UploadBody<B = Incoming> {
    body: B,
    bucket: Arc<Bucket>,
    visit: Arc<Visit>,
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
    Throttled(Bytes, Turn),
}

impl<B> UploadBody<B>
where
    B: Body<Data = Bytes, Error: fmt::Display> + Unpin,
{
    pub(crate) fn new(body: B, headers: &HeaderMap, bucket: Arc<Bucket>, visit: Arc<Visit>) -> Self {
        let waits_for_us = headers.contains_key(header::EXPECT);
        Self { body, bucket, visit, pace: Pace::default(), waits_for_us, step: Step::Next }
    }

    /// Reads on for a while after a refusal, so that the client gets to read the response.
    pub(crate) async fn linger(mut self) {
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
        self.visit.moved(length);
        if !self.pace.record(waited, length) {
            return Err(Refusal::TooSlow);
        }
        let Some(turn) = self.bucket.charge(length) else { return Ok(Some(bytes)) };
        self.step = Step::Throttled(bytes, turn);
        Ok(None)
    }
}

impl<B> Drop for UploadBody<B> {
    fn drop(&mut self) {
        self.visit.moved(0);
    }
}

impl<B> Stream for UploadBody<B>
where
    B: Body<Data = Bytes, Error: fmt::Display> + Unpin,
{
    type Item = Result<Bytes, Refusal>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        this.waits_for_us = false;
        loop {
            if let Step::Throttled(bytes, turn) = &mut this.step {
                ready!(turn.as_mut().poll(cx));
                let bytes = std::mem::take(bytes);
                this.step = Step::Next;
                return Poll::Ready(Some(Ok(bytes)));
            }
            let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) else {
                this.visit.waits();
                if matches!(this.step, Step::Next) {
                    this.step = Step::Waiting(Instant::now(), Box::pin(sleep(this.pace.patience())));
                }
                if let Step::Waiting(since, patience) = &mut this.step {
                    ready!(patience.as_mut().poll(cx));
                    let waited = since.elapsed();
                    this.step = Step::Next;
                    if this.pace.record(waited, 0) {
                        continue;
                    }
                }
                return Poll::Ready(Some(Err(Refusal::TooSlow)));
            };
            let waited = match std::mem::replace(&mut this.step, Step::Next) {
                Step::Waiting(since, _) => since.elapsed(),
                Step::Next | Step::Throttled(..) => Duration::ZERO,
            };
            let bytes = match frame {
                None => {
                    // What we do with it now takes our own time.
                    this.visit.moved(0);
                    return Poll::Ready(None);
                }
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use ropeway_model::ByteRate;
    use ropeway_net::throttle::{Direction, Throttle};

    use super::*;

    /// A body of `count` chunks of `size` bytes that come `every` so often, under a limit.
    async fn receive(count: u32, size: usize, every: Duration, limit: Option<u64>) -> Result<usize, Refusal> {
        let chunks = stream::unfold(0, move |sent| async move {
            sleep(every).await;
            (sent < count).then(|| (Ok::<_, Infallible>(Bytes::from(vec![0; size])), sent + 1))
        });
        let body = axum::body::Body::from_stream(chunks);
        let throttle = Throttle::new(limit.and_then(ByteRate::new));
        let bucket = throttle.bucket([127, 0, 0, 1].into(), Direction::Up);
        let mut body = UploadBody::new(body, &HeaderMap::new(), bucket, Visit::new(([127, 0, 0, 1], 1).into()));
        let mut received = 0;
        while let Some(bytes) = body.next().await {
            received += bytes?.len();
        }
        Ok(received)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_drips_is_given_up_and_a_slow_line_is_not() {
        let second = Duration::from_secs(1);
        assert_eq!(receive(1_000, 1, second, None).await, Err(Refusal::TooSlow));
        assert_eq!(receive(1_000, 1_000, second, None).await, Ok(1_000_000));
        assert_eq!(receive(3, 1_000_000, 100 * second, None).await, Err(Refusal::TooSlow));
        assert_eq!(receive(3, 1_000_000, 50 * second, None).await, Ok(3_000_000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_has_ended_keeps_its_place_while_we_work() {
        let visit = Visit::new(([127, 0, 0, 1], 1).into());
        let _busy = visit.begin();
        visit.stay();
        let chunks = stream::unfold(0, |sent| async move {
            sleep(Duration::from_secs(1)).await;
            (sent < 3).then(|| (Ok::<_, Infallible>(Bytes::from(vec![0; 100_000])), sent + 1))
        });
        let bucket = Throttle::new(None).bucket([127, 0, 0, 1].into(), Direction::Up);
        let body = axum::body::Body::from_stream(chunks);
        let mut body = UploadBody::new(body, &HeaderMap::new(), bucket, Arc::clone(&visit));
        while body.next().await.is_some() {}
        sleep(Duration::from_secs(600)).await;
        assert!(visit.rank().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_is_slow_because_of_its_limit_is_not_given_up() {
        let began = Instant::now();
        assert_eq!(receive(100, 10_240, Duration::ZERO, Some(100)).await, Ok(1_024_000));
        // All but the first chunk have to be earned.
        assert_eq!(began.elapsed().as_secs(), 99 * 10_240 / 100);
    }
}
