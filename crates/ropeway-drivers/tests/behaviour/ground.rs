//! What the cases stand on.

use std::{path::PathBuf, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use ropeway_drivers::{
    ByteStream, Clients, Close, Context, Driver, DriverError, Drivers, Fetched, Part, PartBody, PartReceipt, Probe,
    SourceMeta, Stored,
};
use ropeway_model::{ByteRange, HeaderField, Network, SafeUrl, Secrets, UploadName, UploadTarget, Validator};
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

/// The pattern's first `length` bytes as the body of a part.
pub(crate) fn body(pattern: Pattern, length: u64) -> PartBody {
    let starts = (0..length).step_by(usize::try_from(CHUNK).unwrap());
    Box::pin(stream::iter(starts.map(move |start| Ok(pattern.bytes(start, length.min(start + CHUNK))))))
}

/// Targets at `peer` for every driver that uploads.
pub(crate) fn targets(peer: &Peer) -> [String; 2] {
    [peer.url("in/"), format!("form+{}#field=file", peer.url("form"))]
}

/// An upload to `target` by its driver.
pub(crate) struct Upload {
    pub(crate) context: Context,
    to: UploadTarget,
    name: PathBuf,
}

impl Upload {
    pub(crate) fn to(target: &str) -> Self {
        let to: UploadTarget = target.parse().unwrap();
        Self { context: context(&String::from(to.url().clone())), to, name: "file.bin".into() }
    }

    pub(crate) fn named(mut self, name: impl Into<PathBuf>) -> Self {
        self.name = name.into();
        self
    }

    /// What the server says it has where this goes to.
    pub(crate) async fn stored(&self) -> Option<Stored> {
        let driver = Drivers::default().for_upload(&self.to);
        let source = SourceMeta { name: UploadName::of(&self.name), length: 0 };
        let uploading = driver.upload().unwrap();
        let session = uploading.open(&self.context, &self.to, &source, None).await.unwrap();
        uploading.stored(&self.context, &session).await
    }

    /// Sends the pattern's first `length` bytes, from opening to closing.
    pub(crate) async fn send(&self, pattern: Pattern, length: u64) -> Result<PartReceipt, DriverError> {
        self.send_body(length, body(pattern, length)).await
    }

    pub(crate) async fn send_body(&self, length: u64, body: PartBody) -> Result<PartReceipt, DriverError> {
        let driver = Drivers::default().for_upload(&self.to);
        let source = SourceMeta { name: UploadName::of(&self.name), length };
        let uploading = driver.upload().unwrap();
        let session = uploading.open(&self.context, &self.to, &source, None).await?;
        let receipt = uploading.send(&self.context, &session, Part { number: 0, offset: 0, length }, body).await?;
        uploading.close(&self.context, session, Close::Commit(vec![receipt.clone()])).await?;
        Ok(receipt)
    }
}
