//! What the cases stand on.

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use ropeway_drivers::{ByteStream, Clients, Context, DriverError, Part, PartBody, PartReceipt, SourceMeta};
use ropeway_drivers::{Driver, Drivers};
use ropeway_model::{Network, SafeUrl, UploadTarget};
use ropeway_testkit::Pattern;
use tokio_util::sync::CancellationToken;

/// The context of a job whose own address is `address`.
pub(crate) fn context(address: &str) -> Context {
    Context {
        clients: Clients::default(),
        network: Network::default(),
        origin: url(address).expose().origin(),
        headers: Vec::new(),
        cancel: CancellationToken::new(),
    }
}

pub(crate) fn url(text: &str) -> SafeUrl {
    text.parse().unwrap()
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

/// The pattern's first `length` bytes as the body of a part, in chunks of 64 KiB.
pub(crate) fn body(pattern: Pattern, length: u64) -> PartBody {
    let starts = (0..length).step_by(64 * 1024);
    Box::pin(stream::iter(starts.map(move |start| Ok(pattern.bytes(start, length.min(start + 64 * 1024))))))
}

/// Sends `length` bytes of `pattern` as `name` to `target`, from opening to closing.
pub(crate) async fn upload(
    target: &str,
    name: &str,
    pattern: Pattern,
    length: u64,
) -> Result<PartReceipt, DriverError> {
    let to: UploadTarget = target.parse().unwrap();
    upload_body(&context(&String::from(to.url().clone())), target, name, length, body(pattern, length)).await
}

/// The same with a body and a context of the caller's.
pub(crate) async fn upload_body(
    context: &Context,
    target: &str,
    name: &str,
    length: u64,
    body: PartBody,
) -> Result<PartReceipt, DriverError> {
    let to: UploadTarget = target.parse().unwrap();
    let driver = Drivers::default().for_upload(&to);
    let source = SourceMeta { name: name.parse().unwrap(), length };
    let uploading = driver.upload().unwrap();
    let session = uploading.open(context, &to, &source, None).await?;
    let receipt = uploading.send(context, &session, Part { number: 0, offset: 0, length }, body).await?;
    uploading.close(context, session, ropeway_drivers::Close::Commit(vec![receipt.clone()])).await?;
    Ok(receipt)
}

/// The driver for downloads over HTTP.
pub(crate) fn http() -> std::sync::Arc<dyn Driver> {
    Drivers::default().for_download(&url("http://localhost/")).unwrap()
}
