//! Uploads as the engine sees them. A server takes the bytes in one layout, and says things of them.

use std::{io, ops::RangeInclusive, pin::Pin};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use ropeway_model::{Algorithm, Digest, SafeUrl, Timestamp, UploadName, UploadTarget};
use serde::{Deserialize, Serialize};

use super::Context;
use crate::DriverError;

/// Upload of a local file by one protocol.
#[async_trait]
pub trait Upload: Send + Sync {
    /// Creates the upload at the server, or asks what it holds of `saved`.
    ///
    /// # Errors
    /// [`DriverError::SessionLost`] where the server no longer knows `saved`: then it is opened without it.
    async fn open(
        &self,
        context: &Context,
        to: &UploadTarget,
        source: &SourceMeta,
        saved: Option<&Session>,
    ) -> Result<OpenUpload, DriverError>;

    /// Sends one part with constant memory. The engine throttles, counts and hashes the bytes.
    async fn send(
        &self,
        context: &Context,
        session: &Session,
        part: Part,
        body: &dyn PartBody,
    ) -> Result<Sent, DriverError>;

    /// Repeatability of a request that was sent whole and not answered.
    fn is_repeatable(&self) -> bool {
        true
    }

    /// Asks the server what it has where the upload went to; `None` where it does not tell. Never fails: what cannot be
    /// asked is not known.
    async fn stored(&self, _context: &Context, _session: &Session) -> Option<Stored> {
        None
    }

    /// Removes what the server keeps of an upload that is given up; nothing where the protocol keeps nothing.
    async fn abort(&self, _context: &Context, _session: &Session) -> Result<(), DriverError> {
        Ok(())
    }
}

/// The file an upload sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceMeta {
    /// The name it gets at the server.
    pub name: UploadName,
    /// Its length in bytes.
    pub length: u64,
}

/// An upload that the server takes bytes of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenUpload {
    /// Session that is remembered of it.
    pub session: Session,
    /// Layout in which the server takes the bytes.
    pub layout: Layout,
    /// Bytes that the server has.
    pub held: Held,
}

/// An upload at a server. The engine stores it with the job; only the driver reads its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Where the bytes go.
    pub url: SafeUrl,
    /// State that the driver must remember besides.
    pub state: serde_json::Value,
    /// When the server forgets it, if it says so.
    pub expires: Option<Timestamp>,
    /// Existence at the server. An upload that its first part creates has none before, and nothing to go on with.
    pub is_created: bool,
}

/// Who cuts a file into requests, and in which order they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One request with the whole file; one that breaks off begins anew.
    Whole,
    /// Parts of such a length, one behind the other, at a cursor that the server names.
    Append {
        /// Bytes of a part: the least but for the last one, and the most.
        part: RangeInclusive<u64>,
    },
}

/// Bytes of a file that a server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// No byte that a later request could build upon.
    Nothing,
    /// Bytes from the file's start.
    Prefix(u64),
}

/// A stretch of the source that is sent in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Offset of its first byte in the source.
    pub offset: u64,
    /// Bytes in it; zero only for an empty file.
    pub length: u64,
}

/// Bytes in order; exactly [`Part::length`] of them, or an error.
pub type PartBytes = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send + Sync>>;

/// Bytes of a part, which can be read more than once.
#[async_trait]
pub trait PartBody: Send + Sync {
    /// The bytes to send, throttled and counted; from the first one each time it is called.
    fn bytes(&self) -> PartBytes;

    /// The digest of the bytes, for protocols that tell it ahead of them.
    async fn digest(&self, algorithm: Algorithm) -> io::Result<Digest>;
}

/// The acknowledgement of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Bytes that the server has now.
    pub held: Held,
    /// The session from now on, where the answer changed it.
    pub session: Option<Session>,
    /// Receipt for what is stored.
    pub receipt: Receipt,
}

/// The server's word on what it stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Evidence of the whole file in the answer.
    pub evidence: Vec<Evidence>,
    /// Body of the answer, if it is short and came whole. A digest in its head may be of this.
    pub answer: Option<Vec<u8>>,
    /// Where the stored file is now (`Location`, or the request's own address).
    pub location: Option<SafeUrl>,
    /// Comparison of the part with a digest sent ahead of it. The server takes none that differs. The server takes none
    /// that differs.
    pub is_compared: bool,
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

/// Stored file at an address of a server.
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
