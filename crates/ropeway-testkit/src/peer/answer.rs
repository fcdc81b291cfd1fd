//! What the peer answers, and how it misbehaves while doing so.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::Pattern;

/// How a connection is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// An end (FIN), as after a server's restart; behind TLS without its farewell (`close_notify`).
    End,
    /// A reset (RST), as after a crash or by a firewall.
    Reset,
}

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `Content-Length` with the body's real length.
    Length,
    /// `Content-Length` with this number, whatever the body's length is.
    LengthOf(u64),
    /// Chunked.
    Chunked,
    /// Chunked, without the last chunk that tells the end.
    ChunkedWithoutEnd,
    /// By the end of the connection.
    Close,
    /// By nothing but what the answer's own header fields say; the connection ends behind the body.
    Unsaid,
}

/// What is done with a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intake {
    /// Taken to its end before the answer.
    Whole,
    /// Left in the network; the answer goes out at once, and then the connection is closed.
    Refused(Cut),
    /// Taken up to this many octets; then the connection breaks without an answer.
    CutAfter(u64, Cut),
}

/// The body of an answer.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Pattern { pattern: Pattern, start: u64, end: u64 },
    Bytes(Bytes),
}

impl Content {
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Pattern { start, end, .. } => end - start,
            Self::Bytes(bytes) => bytes.len() as u64,
        }
    }
}

/// An answer, with its faults.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) content: Content,
    pub(super) framing: Framing,
    pub(super) cut: Option<(u64, Cut)>,
    pub(super) reset: Option<(u64, u32)>,
    pub(super) stall: Option<u64>,
    pub(super) bytes_per_second: Option<u64>,
    pub(super) intake: Intake,
    pub(super) instead: Instead,
    pub(super) close: bool,
    gate: Option<Arc<Semaphore>>,
}

/// What comes in place of an answer.
#[derive(Clone, Debug)]
pub(super) enum Instead {
    /// Nothing does: the answer is sent.
    Answer,
    /// These octets, then the end of the connection.
    Octets(Bytes),
    /// The first octets, then the others again and again until the client goes away or has taken this many.
    Flood(Bytes, Bytes, u64),
    /// These octets, and then nothing on an open connection.
    Open(Bytes),
    /// Nothing, on an open connection.
    Silence,
    /// A break of the connection.
    Break(Cut),
    /// Over HTTP/2 the end of the stream with this code (RFC 9113 §7), else that of the connection.
    Reset(u32),
}

impl Answer {
    /// An answer of that status with an empty body.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content: Content::Bytes(Bytes::new()),
            framing: Framing::Length,
            cut: None,
            reset: None,
            stall: None,
            bytes_per_second: None,
            intake: Intake::Whole,
            instead: Instead::Answer,
            close: false,
            gate: None,
        }
    }

    /// A redirect to `target`.
    pub fn redirect(status: u16, target: &str) -> Self {
        Self::status(status).header("Location", target)
    }

    /// Exactly these octets instead of an answer, then the end of the connection.
    pub fn raw(octets: impl Into<Bytes>) -> Self {
        Self { instead: Instead::Octets(octets.into()), ..Self::status(200) }
    }

    /// Exactly these octets instead of an answer; the connection stays open behind them.
    pub fn raw_and_open(octets: impl Into<Bytes>) -> Self {
        Self { instead: Instead::Open(octets.into()), ..Self::status(200) }
    }

    /// The octets `head`, then `again` without end: until the client goes away or has taken `most` octets. With
    /// [`Answer::drip`] no faster than that.
    pub fn flood(head: impl Into<Bytes>, again: impl Into<Bytes>, most: u64) -> Self {
        Self { instead: Instead::Flood(head.into(), again.into(), most), ..Self::status(200) }
    }

    /// No answer: the connection breaks.
    pub fn hang_up(cut: Cut) -> Self {
        Self { instead: Instead::Break(cut), ..Self::status(200) }
    }

    /// No answer: over HTTP/2 the stream ends with this code (RFC 9113 §7), else the connection does.
    pub fn reset(code: u32) -> Self {
        Self { instead: Instead::Reset(code), ..Self::status(200) }
    }

    /// No answer at all: the connection stays open and silent.
    pub fn silence() -> Self {
        Self { instead: Instead::Silence, ..Self::status(200) }
    }

    /// Sets a header field, in place of one of that name.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(had, _)| !had.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a header field beside those of the same name.
    #[must_use]
    pub fn also(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Takes a header field away.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(had, _)| !had.eq_ignore_ascii_case(name));
        self
    }

    /// Another status line over the same body.
    #[must_use]
    pub const fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// These bytes as the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.content = Content::Bytes(body.into());
        self
    }

    /// The pattern's bytes `[start, end)` as the body.
    #[must_use]
    pub fn pattern(mut self, pattern: Pattern, start: u64, end: u64) -> Self {
        self.content = Content::Pattern { pattern, start, end };
        self
    }

    /// How the body's end is told.
    #[must_use]
    pub const fn framing(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// Breaks the connection behind `bytes` octets of the body.
    #[must_use]
    pub const fn cut_after(mut self, bytes: u64, cut: Cut) -> Self {
        self.cut = Some((bytes, cut));
        self
    }

    /// Over HTTP/2 ends the stream with this code behind `bytes` octets of the body.
    #[must_use]
    pub const fn reset_after(mut self, bytes: u64, code: u32) -> Self {
        self.reset = Some((bytes, code));
        self
    }

    /// Goes silent behind `bytes` octets of the body and keeps the connection open.
    #[must_use]
    pub const fn stall_after(mut self, bytes: u64) -> Self {
        self.stall = Some(bytes);
        self
    }

    /// Sends the body no faster than this.
    #[must_use]
    pub const fn drip(mut self, bytes_per_second: u64) -> Self {
        self.bytes_per_second = Some(bytes_per_second);
        self
    }

    /// What is done with the request's body.
    #[must_use]
    pub const fn intake(mut self, intake: Intake) -> Self {
        self.intake = intake;
        self
    }

    /// Ends the connection, orderly, behind the whole answer without having announced it.
    #[must_use]
    pub const fn then_close(mut self) -> Self {
        self.close = true;
        self
    }

    /// Holds the answer back, once the request has come, until `gate` has a permit for it.
    #[must_use]
    pub fn held_by(mut self, gate: &Arc<Semaphore>) -> Self {
        self.gate = Some(Arc::clone(gate));
        self
    }

    /// Waits until it may be sent.
    pub(super) async fn let_go(&self) {
        let Some(gate) = &self.gate else { return };
        gate.acquire().await.expect("nobody closes the gate of an answer").forget();
    }
}
