//! Uploads over what stands in the place of the network.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{TryStreamExt as _, stream};
use http::{
    HeaderMap, Method, Response,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use parking_lot::Mutex;
use ropeway_drivers::{Clients, DriverError, Transport, TransportBody};
use ropeway_model::{HeaderField, SafeUrl};
use ropeway_testkit::Pattern;
use tokio_util::sync::CancellationToken;

use crate::ground::{Upload, give};

const PATTERN: Pattern = Pattern::new(3);

/// Takes every upload and keeps what came; carries no downloads.
#[derive(Debug, Default)]
struct Taker(Mutex<Vec<(Method, HeaderMap, usize)>>);

#[async_trait]
impl Transport for Taker {
    async fn get(&self, url: &SafeUrl, _: HeaderMap) -> Result<Response<TransportBody>, DriverError> {
        Err(DriverError::ConnectionRefused { host: url.host() })
    }

    async fn send(
        &self,
        method: Method,
        _: &SafeUrl,
        fields: HeaderMap,
        body: TransportBody,
    ) -> Result<Response<TransportBody>, DriverError> {
        let bytes = body.try_collect::<Vec<_>>().await.unwrap().concat();
        assert!(bytes == PATTERN.bytes(0, bytes.len() as u64));
        self.0.lock().push((method, fields, bytes.len()));
        Ok(Response::builder().status(201).body(Box::pin(stream::empty()) as TransportBody).unwrap())
    }
}

/// Carries downloads only.
#[derive(Debug)]
struct Getter;

#[async_trait]
impl Transport for Getter {
    async fn get(&self, url: &SafeUrl, _: HeaderMap) -> Result<Response<TransportBody>, DriverError> {
        Err(DriverError::ConnectionRefused { host: url.host() })
    }
}

fn over(transport: Arc<dyn Transport>) -> Upload {
    let mut upload = Upload::to("http://files.example/a.bin");
    upload.context.clients = Clients::over(transport);
    upload
}

#[tokio::test]
async fn an_upload_comes_whole_with_the_users_fields_before_suggestions_and_behind_our_own() {
    let taker = Arc::new(Taker::default());
    let mut upload = over(Arc::clone(&taker) as _);
    let field = |name, value: &str| HeaderField::new(name, value).unwrap();
    give(&mut upload.context, [field("Content-Type", "image/png"), field("Content-Length", "1")]);
    upload.send(PATTERN, 300_000).await.unwrap();
    let (method, fields, length) = taker.0.lock().remove(0);
    assert_eq!((method, length), (Method::PUT, 300_000));
    assert_eq!(fields.get_all(CONTENT_TYPE).iter().collect::<Vec<_>>(), ["image/png"]);
    assert_eq!(fields.get_all(CONTENT_LENGTH).iter().collect::<Vec<_>>(), ["300000"]);
}

#[tokio::test]
async fn a_canceled_upload_and_one_that_nobody_carries_end_at_once() {
    let upload = over(Arc::new(Getter));
    assert!(matches!(upload.send(PATTERN, 1).await, Err(DriverError::ConnectionRefused { .. })));
    let mut upload = over(Arc::new(Taker::default()));
    upload.context.cancel = CancellationToken::new();
    upload.context.cancel.cancel();
    assert!(matches!(upload.send(PATTERN, 1).await, Err(DriverError::Canceled)));
}
