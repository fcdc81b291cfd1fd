//! What the cases stand on.

use std::{io, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use ropeway_drivers::{
    ByteStream, Clients, Context, Driver, DriverError, Drivers, Fetched, Held, Layout, OpenUpload, Part, PartBody,
    PartBytes, Probe, Receipt, Sent, Session, SourceMeta, Stored,
};
use ropeway_model::{
    Algorithm, ByteRange, Digest, HeaderField, Network, SafeUrl, Secrets, UploadName, UploadTarget, Validator,
};
use ropeway_testkit::{Pattern, Peer};
use tokio_util::sync::CancellationToken;

/// Bytes in a chunk of a source.
const CHUNK: u64 = 64 * 1024;

/// The context of a job whose own address is `address`.
pub(crate) fn context(address: &str) -> Context {
    Context {
        clients: Clients::default(),
        network: Network::default(),
        origin: url(address).expose().origin(),
        secrets: Secrets::of(&url(address), Vec::new()),
        cookies: Arc::default(),
        pace: None,
        is_conditional: true,
        saved_as: None,
        gate: None,
        cancel: CancellationToken::new(),
    }
}

/// The same for a job that trusts the authorities in `ca_file`.
pub(crate) fn trusting(address: &str, ca_file: PathBuf) -> Context {
    Context { network: Network { ca_file: Some(ca_file), ..Network::default() }, ..context(address) }
}

/// Gives a job header fields for its own origin, beside those it has.
pub(crate) fn give(context: &mut Context, fields: impl IntoIterator<Item = HeaderField>) {
    let own = url(&context.origin.ascii_serialization());
    let had: Vec<HeaderField> = context.secrets.fields_for(own.expose()).cloned().collect();
    context.secrets = Secrets::of(&own, had.into_iter().chain(fields).collect());
}

pub(crate) fn url(text: &str) -> SafeUrl {
    text.parse().unwrap()
}

pub(crate) fn range(start: u64, end: u64) -> ByteRange {
    ByteRange::new(start, end).unwrap()
}

/// A download by the driver for the address, with everything that its requests share.
pub(crate) struct Download {
    driver: Arc<dyn Driver>,
    pub(crate) context: Context,
    pub(crate) url: SafeUrl,
}

impl Download {
    pub(crate) fn of(address: &str) -> Self {
        Self::with(context(address), address)
    }

    pub(crate) fn with(context: Context, address: &str) -> Self {
        let url = url(address);
        Self { driver: Drivers::default().for_download(&url).unwrap(), context, url }
    }

    pub(crate) async fn probe(&self) -> Result<Probe, DriverError> {
        self.driver.download().unwrap().probe(&self.context, &self.url).await
    }

    pub(crate) async fn fetch(&self, want: ByteRange, valid: Option<&Validator>) -> Result<Fetched, DriverError> {
        self.driver.download().unwrap().fetch(&self.context, &self.url, want, valid).await
    }

    /// The error of a probe that must not give a file.
    pub(crate) async fn probe_error(&self) -> DriverError {
        self.probe().await.err().unwrap()
    }

    /// The error of a fetch that must not give a byte.
    pub(crate) async fn fetch_error(&self, want: ByteRange, valid: Option<&Validator>) -> DriverError {
        self.fetch(want, valid).await.err().unwrap()
    }
}

/// The bytes of a body up to its end or error.
pub(crate) async fn read(mut body: ByteStream) -> (Bytes, Option<DriverError>) {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = body.next().await {
        match chunk {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(error) => return (bytes.freeze(), Some(error)),
        }
    }
    (bytes.freeze(), None)
}

/// The pattern's first `length` bytes.
pub(crate) fn bytes(pattern: Pattern, length: u64) -> PartBytes {
    stretch(pattern, 0, length)
}

fn stretch(pattern: Pattern, from: u64, to: u64) -> PartBytes {
    let starts = (from..to).step_by(usize::try_from(CHUNK).unwrap());
    Box::pin(stream::iter(starts.map(move |start| Ok(pattern.bytes(start, to.min(start + CHUNK))))))
}

/// A part of a pattern.
pub(crate) struct PatternPart(pub(crate) Pattern, pub(crate) Part);

#[async_trait]
impl PartBody for PatternPart {
    fn bytes(&self) -> PartBytes {
        stretch(self.0, self.1.offset, self.1.offset + self.1.length)
    }

    async fn digest(&self, algorithm: Algorithm) -> io::Result<Digest> {
        assert_eq!(algorithm, Algorithm::Sha256, "the peers want no other one");
        Ok(Digest::from_bytes(algorithm, &self.0.sha256_of(self.1.offset, self.1.offset + self.1.length)).unwrap())
    }
}

/// Bytes that are made by a closure, whatever the part is to have.
pub(crate) struct Made<F>(pub(crate) F);

#[async_trait]
impl<F: Fn() -> PartBytes + Send + Sync> PartBody for Made<F> {
    fn bytes(&self) -> PartBytes {
        self.0()
    }

    async fn digest(&self, _: Algorithm) -> io::Result<Digest> {
        Err(io::Error::other("nobody asks for it"))
    }
}

/// Targets at `peer` for every driver that uploads in one request.
pub(crate) fn targets(peer: &Peer) -> [String; 2] {
    [peer.url("in/"), format!("form+{}#field=file", peer.url("form"))]
}

/// An upload to `target` by its driver.
pub(crate) struct Upload {
    pub(crate) context: Context,
    driver: Arc<dyn Driver>,
    to: UploadTarget,
    name: PathBuf,
}

impl Upload {
    pub(crate) fn to(target: &str) -> Self {
        let to: UploadTarget = target.parse().unwrap();
        let driver = Drivers::default().for_upload(&to).unwrap();
        Self { context: context(&String::from(to.url().clone())), driver, to, name: "file.bin".into() }
    }

    pub(crate) fn named(mut self, name: impl Into<PathBuf>) -> Self {
        self.name = name.into();
        self
    }

    /// What the server says it has where this goes to.
    pub(crate) async fn stored(&self) -> Option<Stored> {
        let session = self.open(0, None).await.unwrap().session;
        self.driver.upload().unwrap().stored(&self.context, &session).await
    }

    /// Creates the upload of a file of `length` bytes, or takes `saved` up.
    pub(crate) async fn open(&self, length: u64, saved: Option<&Session>) -> Result<OpenUpload, DriverError> {
        let source = SourceMeta { name: UploadName::of(&self.name), length };
        self.driver.upload().unwrap().open(&self.context, &self.to, &source, saved).await
    }

    /// Sends one part of the pattern.
    pub(crate) async fn send_part(&self, session: &Session, pattern: Pattern, part: Part) -> Result<Sent, DriverError> {
        self.driver.upload().unwrap().send(&self.context, session, part, &PatternPart(pattern, part)).await
    }

    /// Gives an upload up.
    pub(crate) async fn abort(&self, session: &Session) -> Result<(), DriverError> {
        self.driver.upload().unwrap().abort(&self.context, session).await
    }

    /// Sends the pattern's first `length` bytes in one request.
    pub(crate) async fn send(&self, pattern: Pattern, length: u64) -> Result<Receipt, DriverError> {
        self.send_body(length, &PatternPart(pattern, Part { offset: 0, length })).await
    }

    pub(crate) async fn send_body(&self, length: u64, body: &dyn PartBody) -> Result<Receipt, DriverError> {
        let OpenUpload { session, layout, held } = self.open(length, None).await?;
        assert_eq!((layout, held), (Layout::Whole, Held::Nothing));
        let part = Part { offset: 0, length };
        let sent = self.driver.upload().unwrap().send(&self.context, &session, part, body).await?;
        assert_eq!(sent.held, Held::Prefix(length));
        Ok(sent.receipt)
    }
}
