//! A connection that gives up on a peer that does not take what it asked for.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

use crate::{pace::Pace, visit::Visit};

/// A connection whose writes fail with [`io::ErrorKind::TimedOut`] once the peer has stopped taking bytes.
///
/// Reads pass through: an idle connection is the header timeout's matter and a slow upload is the upload's.
pub(crate) struct PacedStream<S> {
    stream: S,
    visit: Arc<Visit>,
    pace: Pace,
    stalled: Option<Stall>,
}

/// A write that the peer keeps waiting.
struct Stall {
    since: Instant,
    patience: Pin<Box<Sleep>>,
}

impl<S> PacedStream<S> {
    pub(crate) fn new(stream: S, visit: Arc<Visit>) -> Self {
        Self { stream, visit, pace: Pace::default(), stalled: None }
    }

    fn judge(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let Poll::Ready(outcome) = written else {
            self.visit.waits();
            loop {
                let patience = self.pace.patience();
                let begin = || Stall { since: Instant::now(), patience: Box::pin(sleep(patience)) };
                let stall = self.stalled.get_or_insert_with(begin);
                ready!(stall.patience.as_mut().poll(cx));
                let waited = stall.since.elapsed();
                self.stalled = None;
                if !self.pace.record(waited, 0) {
                    return Poll::Ready(Err(too_slow()));
                }
            }
        };
        let waited = self.stalled.take().map_or_else(Default::default, |stall| stall.since.elapsed());
        let bytes = outcome?;
        let taken = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.visit.moved(taken);
        let kept_up = self.pace.record(waited, taken);
        Poll::Ready(if kept_up { Ok(bytes) } else { Err(too_slow()) })
    }
}

fn too_slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the client takes its response too slowly")
}

impl<S: AsyncRead + Unpin> AsyncRead for PacedStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PacedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.judge(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    fn visit() -> Arc<Visit> {
        Visit::new(([127, 0, 0, 1], 1).into())
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_given_up_after_a_minute() {
        let (ours, _theirs) = duplex(1024);
        let began = Instant::now();
        let error = PacedStream::new(ours, visit()).write_all(&vec![0; 100_000]).await.unwrap_err();
        assert_eq!((error.kind(), began.elapsed()), (io::ErrorKind::TimedOut, Duration::from_secs(60)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_is_judged_by_what_it_takes_in_a_minute() {
        for (bytes_a_second, expected) in [(1_000, true), (100, false)] {
            let (ours, mut theirs) = duplex(1024);
            let reader = tokio::spawn(async move {
                let mut taken = vec![0; bytes_a_second];
                while theirs.read_exact(&mut taken).await.is_ok() {
                    sleep(Duration::from_secs(1)).await;
                }
            });
            let outcome = PacedStream::new(ours, visit()).write_all(&vec![0; 200_000]).await;
            assert_eq!(outcome.is_ok(), expected, "{bytes_a_second} B/s");
            reader.abort();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn our_own_pauses_do_not_count() {
        let (ours, mut theirs) = duplex(1024);
        let reader = tokio::spawn(async move { theirs.read_to_end(&mut Vec::new()).await });
        let mut stream = PacedStream::new(ours, visit());
        for _ in 0..10 {
            stream.write_all(b"a little").await.unwrap();
            sleep(Duration::from_secs(600)).await;
        }
        drop(stream);
        reader.await.unwrap().unwrap();
    }
}
