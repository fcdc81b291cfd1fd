//! Requests over what stands in the place of the network.

use futures_util::stream;
use http::{HeaderMap, Method, Response as Head};
use reqwest::Response;
use ropeway_model::SafeUrl;

use super::HEAD_TIMEOUT;
use crate::{Context, DriverError, Transport, TransportBody, Turn, client::answered, upload::SizedBody};

/// Sends a `GET`. Of `fields` the later ones replace the earlier.
pub(super) async fn get(
    context: &Context,
    transport: &dyn Transport,
    url: &SafeUrl,
    fields: [&HeaderMap; 2],
) -> Result<Response, DriverError> {
    let answer = tokio::time::timeout(HEAD_TIMEOUT, transport.get(url, merged(&fields)));
    let silent = |_| DriverError::Silent { host: url.host(), turn: Turn::Answer, waited_s: HEAD_TIMEOUT.as_secs() };
    until_canceled(context, async { answer.await.map_err(silent)? }).await
}

/// Sends a request with a `body`, if it has one. Of `fields` the later ones replace the earlier.
pub(super) async fn send(
    context: &Context,
    transport: &dyn Transport,
    (method, url): (Method, &SafeUrl),
    fields: [&HeaderMap; 3],
    body: Option<SizedBody>,
) -> Result<Response, DriverError> {
    let body = body.map_or_else(|| Box::pin(stream::empty()) as TransportBody, SizedBody::octets);
    until_canceled(context, transport.send(method, url, merged(&fields), body)).await
}

async fn until_canceled(
    context: &Context,
    answer: impl Future<Output = Result<Head<TransportBody>, DriverError>>,
) -> Result<Response, DriverError> {
    context.cancel.run_until_cancelled(answer).await.ok_or(DriverError::Canceled)?.map(answered)
}

fn merged(fields: &[&HeaderMap]) -> HeaderMap {
    fields.iter().fold(HeaderMap::new(), |mut all, fields| {
        all.extend((*fields).clone());
        all
    })
}
