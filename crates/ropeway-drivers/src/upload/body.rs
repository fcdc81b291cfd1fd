//! The body of an upload: bytes before the file, the file, bytes behind it, of a length known from the start.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use parking_lot::Mutex;

use crate::{DriverError, PartBody};

/// What became of a body that was handed over for sending.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sending {
    progress: Arc<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    finished: AtomicBool,
    failed: Mutex<Option<io::Error>>,
}

impl Sending {
    /// Whether the last byte was taken.
    pub(crate) fn has_finished(&self) -> bool {
        self.progress.finished.load(Ordering::Acquire)
    }

    /// The error of the source, which goes before whatever the network made of it.
    pub(crate) fn failure(&self) -> Option<DriverError> {
        self.progress.failed.lock().take().map(DriverError::Body)
    }
}

/// A body of exactly the announced length; a source with fewer or more bytes fails it, so that no server takes a file
/// that was cut or that grew for the whole one.
pub(crate) struct SizedBody {
    before: Bytes,
    file: PartBody,
    file_left: u64,
    behind: Bytes,
    sending: Sending,
}

impl SizedBody {
    /// The body with `file`, which has `length` bytes, between `before` and `behind`.
    pub(crate) fn new(before: Bytes, file: PartBody, length: u64, behind: Bytes) -> (Self, Sending) {
        let sending = Sending::default();
        (Self { before, file, file_left: length, behind, sending: sending.clone() }, sending)
    }

    /// Octets that are still to come.
    pub(crate) fn length(&self) -> u64 {
        self.before.len() as u64 + self.file_left + self.behind.len() as u64
    }

    /// Keeps the error for the engine and ends the request with a copy of it.
    fn fail(&self, error: io::Error) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let copy = io::Error::new(error.kind(), error.to_string());
        *self.sending.progress.failed.lock() = Some(error);
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
        if !body.before.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut body.before)))));
        }
        match ready!(body.file.as_mut().poll_next(context)) {
            Some(Ok(chunk)) if chunk.len() as u64 <= body.file_left => {
                body.file_left -= chunk.len() as u64;
                if body.file_left == 0 && body.behind.is_empty() {
                    body.sending.progress.finished.store(true, Ordering::Release);
                }
                Poll::Ready(Some(Ok(Frame::data(chunk))))
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
                body.sending.progress.finished.store(true, Ordering::Release);
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut body.behind)))))
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
