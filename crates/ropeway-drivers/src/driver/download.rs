//! Downloads as the engine sees them.

use std::{pin::Pin, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use ropeway_model::{ByteRange, Digest, FileName, SafeUrl, Validator};

use super::Context;
use crate::DriverError;

/// Bytes in order. An `Err` ends the stream; what came before it is good.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, DriverError>> + Send>>;

/// Bringing a remote file.
#[async_trait]
pub trait Download: Send + Sync {
    /// Sends the first request, for the whole file, and hands its body over: a one-time link is spent by this call.
    ///
    /// # Errors
    /// Any [`DriverError`] but `RangeIgnored`, `RangeUnsatisfiable` and `RemoteChanged`.
    async fn probe(&self, context: &Context, from: &SafeUrl) -> Result<Probe, DriverError>;

    /// Yields the bytes of `want`, in order and at most `want.len()` of them. A stream that ends early without an
    /// `Err` ended cleanly on the wire; the caller asks again for the rest.
    ///
    /// `want` counts bytes of the representation as sent, so the request forbids content coding (RFC 9110 §14.1.2).
    /// `valid` is the version the caller has bytes of.
    ///
    /// # Errors
    /// [`DriverError::RangeIgnored`] if the server answers with the whole file to a range that does not start at 0:
    /// writing it at `want.start()` would corrupt the file. [`DriverError::RemoteChanged`] if the answer describes
    /// another version than `valid`. [`DriverError::RangeUnsatisfiable`] with the length the server names.
    async fn fetch(
        &self,
        context: &Context,
        from: &SafeUrl,
        want: ByteRange,
        valid: Option<&Validator>,
    ) -> Result<Fetched, DriverError>;
}

/// Time that the connection of an answer took to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// One way and back: what the connection took before any encryption.
    pub round_trip: Duration,
    /// All of it, looking the name up included.
    pub took: Duration,
}

/// The answer to the first request.
pub struct Probe {
    /// The address after redirects: later requests go there.
    pub url: SafeUrl,
    /// Name that the server gives the file (`Content-Disposition`). Else it is the one that its final address ends in.
    pub name: FileName,
    /// Version of the file, with its length.
    pub validator: Validator,
    /// The digest the server announces for the whole file, if any.
    pub digest: Option<Digest>,
    /// True where it may stand in the place of the file. It is labeled as a web page and begins as one does, or as a
    /// program's message where the name promises something else.
    pub is_page: bool,
    /// True where the server says that it serves ranges of it.
    pub offers_ranges: bool,
    /// Handshake of the connection, as far as it was seen.
    pub handshake: Option<Handshake>,
    /// The file from its first byte.
    pub body: ByteStream,
}

/// The answer to a request for a range.
pub struct Fetched {
    /// Version that the server sends from, as it says.
    pub validator: Validator,
    /// Handshake of the connection, as far as it was seen.
    pub handshake: Option<Handshake>,
    /// Bytes from `want.start()` on.
    pub body: ByteStream,
}
