//! The seam between the engine and a protocol.
//!
//! Every transfer is a set of byte ranges; protocols differ in which ranges are allowed, in what order, what must be
//! remembered, and how it ends. What a protocol cannot do is absent (`None`), not an error at run time.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use ropeway_model::{
    ByteRange, ByteRate, Digest, FileName, Network, SafeUrl, Secrets, UploadName, UploadTarget, Validator,
};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{Capability, Clients, CookieJar, DriverError, client::ahead};

/// Bytes in order. An `Err` ends the stream; what came before it is good.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, DriverError>> + Send>>;

/// What a driver needs besides the address.
#[derive(Clone, Debug)]
pub struct Context {
    /// The process's HTTP clients, one per way to reach the network.
    pub clients: Clients,
    /// How this job reaches the network.
    pub network: Network,
    /// The origin of the address the user gave. A probe may end at another one, and later requests then start there.
    pub origin: url::Origin,
    /// Headers of the user.
    pub secrets: Secrets,
    /// Cookies that servers set while the job lasts.
    pub cookies: Arc<CookieJar>,
    /// The limit that the first answer is read at, if there is one. Without it the request may travel on a connection
    /// that other jobs use as well (HTTP/2), where nothing that is under way is held back for one job alone; with it, on
    /// one of its own whose receive buffer is so small that the kernel does not run ahead.
    pub pace: Option<ByteRate>,
    /// Whether a request for a range may carry a condition (`If-Range`): some servers take none.
    pub is_conditional: bool,
    /// The name that the user gave the file: it says which coding is the file's own.
    pub saved_as: Option<FileName>,
    /// Asked before a redirect is followed to another server; without it all are.
    pub gate: Option<Arc<dyn Gate>>,
    /// Ends every request of the job at once.
    pub cancel: CancellationToken,
}

impl Context {
    /// Bytes of the first answer that are under way or unread, at the most, when it is left before its end.
    pub fn ahead(&self) -> u64 {
        self.pace.map_or(0, ahead)
    }
}

/// Knows which servers are left alone at the moment.
pub trait Gate: Send + Sync + fmt::Debug {
    /// Whether a redirect may be followed to `host`, with its port where that is not the scheme's own.
    fn is_open(&self, host: &str) -> bool;
}

/// One network protocol.
pub trait Driver: Send + Sync + fmt::Debug {
    /// What it can do.
    fn capability(&self) -> Capability;

    /// Its way to download, if it has one.
    fn download(&self) -> Option<&dyn Download> {
        None
    }

    /// Its way to upload, if it has one.
    fn upload(&self) -> Option<&dyn Upload> {
        None
    }
}

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

/// How long it took to open the connection that an answer came on.
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
    /// The name the server gives the file (`Content-Disposition`), else the one its final address ends in.
    pub name: FileName,
    /// What tells this version from others, with its length.
    pub validator: Validator,
    /// The digest the server announces for the whole file, if any.
    pub digest: Option<Digest>,
    /// Whether it is labeled as a web page and begins as one does, or as a program's message where the name promises
    /// something else: it may stand in the place of the file.
    pub is_page: bool,
    /// Whether the server says that it serves ranges of it.
    pub offers_ranges: bool,
    /// What is known of the connection.
    pub handshake: Option<Handshake>,
    /// The file from its first byte.
    pub body: ByteStream,
}

/// The answer to a request for a range.
pub struct Fetched {
    /// What the server says of the version it sends from.
    pub validator: Validator,
    /// What is known of the connection.
    pub handshake: Option<Handshake>,
    /// Bytes from `want.start()` on.
    pub body: ByteStream,
}

/// Sending a local file.
#[async_trait]
pub trait Upload: Send + Sync {
    /// Creates the upload at the server, or takes `saved` up again.
    async fn open(
        &self,
        context: &Context,
        to: &UploadTarget,
        source: &SourceMeta,
        saved: Option<Session>,
    ) -> Result<Session, DriverError>;

    /// Sends one part. The engine throttles, counts and hashes `body`; the driver streams it with constant memory.
    async fn send(
        &self,
        context: &Context,
        session: &Session,
        part: Part,
        body: PartBody,
    ) -> Result<PartReceipt, DriverError>;

    /// Whether a request that was sent whole may be sent again without an answer.
    fn is_repeatable(&self) -> bool {
        true
    }

    /// Asks the server what it has where the upload went to; `None` where it does not tell. Never fails: what cannot be
    /// asked is not known.
    async fn stored(&self, _context: &Context, _session: &Session) -> Option<Stored> {
        None
    }

    /// Makes the upload final, or gives it up and removes what the server kept.
    async fn close(&self, context: &Context, session: Session, how: Close) -> Result<(), DriverError>;
}

/// The file an upload sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceMeta {
    /// The name it gets at the server.
    pub name: UploadName,
    /// Its length in bytes.
    pub length: u64,
}

/// An upload at a server. The engine stores it with the job; only the driver reads its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Where the bytes go.
    pub url: SafeUrl,
    /// Bytes from the file's start that the server holds durably.
    pub acknowledged: u64,
    /// What else the driver must remember.
    pub state: serde_json::Value,
}

/// A stretch of the source that is sent in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Counted from zero.
    pub number: u32,
    /// Offset of its first byte in the source.
    pub offset: u64,
    /// Bytes in it; zero only for an empty file.
    pub length: u64,
}

/// The bytes of a part: exactly [`Part::length`] of them, or an error.
pub type PartBody = Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send + Sync>>;

/// The server's acknowledgement of a part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartReceipt {
    /// What the answer says of the bytes that the server stored.
    pub evidence: Vec<Evidence>,
    /// The body of the answer, if it is short and came whole: a digest in its head may be of this.
    pub answer: Option<Vec<u8>>,
    /// Where the stored file is now (`Location`, or the request's own address).
    pub location: Option<SafeUrl>,
}

/// Something a server says of the bytes it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Evidence {
    /// Their digest.
    Digest(Digest),
    /// What looks like their MD5: where it is equal it proves them, where it differs it says nothing.
    PerhapsMd5(Digest),
}

impl Evidence {
    /// The digest.
    pub const fn digest(&self) -> &Digest {
        match self {
            Self::Digest(digest) | Self::PerhapsMd5(digest) => digest,
        }
    }
}

/// What a server has at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It says that nothing is there.
    Nothing,
    /// A file, with what it says of it.
    File {
        /// Bytes.
        length: Option<u64>,
        /// What else is said of them.
        evidence: Vec<Evidence>,
    },
}

/// How an upload ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Close {
    /// All parts are there: make it final.
    Commit(Vec<PartReceipt>),
    /// Give it up.
    Abort,
}
