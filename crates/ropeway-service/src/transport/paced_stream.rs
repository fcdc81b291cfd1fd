//! A connection that gives up on a peer that does not take what it asked for.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep},
};

use super::pace::Pace;

/// A TCP connection whose writes fail with [`io::ErrorKind::TimedOut`] once the peer has stopped taking bytes.
///
/// Reads pass through: an idle connection is the header timeout's matter and a slow upload is the upload's.
pub(super) struct PacedStream {
    stream: TcpStream,
    pace: Pace,
    stalled: Option<Stall>,
}

/// A write that the peer keeps waiting.
struct Stall {
    since: Instant,
    patience: Pin<Box<Sleep>>,
}

impl PacedStream {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, pace: Pace::default(), stalled: None }
    }

    fn judge(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let Poll::Ready(outcome) = written else {
            let pace = &self.pace;
            let stall = self
                .stalled
                .get_or_insert_with(|| Stall { since: Instant::now(), patience: Box::pin(sleep(pace.patience())) });
            ready!(stall.patience.as_mut().poll(cx));
            return Poll::Ready(Err(too_slow()));
        };
        let waited = self.stalled.take().map_or_else(Default::default, |stall| stall.since.elapsed());
        let bytes = outcome?;
        let kept_up = self.pace.record(waited, u64::try_from(bytes).unwrap_or(u64::MAX));
        Poll::Ready(if kept_up { Ok(bytes) } else { Err(too_slow()) })
    }
}

fn too_slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the client takes its response too slowly")
}

impl AsyncRead for PacedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for PacedStream {
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
