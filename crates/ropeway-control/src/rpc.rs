//! `POST /rpc`: one call, one reply.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Extension, State},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use http::{HeaderMap, Request, header};
use ropeway_api::{
    Reply,
    error::{ApiCode, ApiError},
};
use ropeway_model::Chunks;
use ropeway_net::visit::Visit;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::timeout;

use crate::{
    refusal::{self, Refusal},
    server::Control,
};

/// The largest call: a hundred thousand URLs pasted at once.
const MOST_CALL_BYTES: usize = 16 * 1024 * 1024;
/// How long one may take to arrive: that much over a line of 1 Mbit/s.
const CALL_ARRIVES: Duration = Duration::from_secs(150);

/// A call as it comes over the wire.
#[derive(Deserialize)]
struct Named {
    call: String,
    #[serde(default = "no_params")]
    params: Value,
}

fn no_params() -> Value {
    Value::Object(Map::new())
}

/// Carries a call to the engine.
pub(crate) async fn call(
    State(control): State<Control>,
    Extension(visit): Extension<Arc<Visit>>,
    request: Request<Body>,
) -> Response {
    let body = match accepted(&control, &visit, request).await {
        Ok(body) => body,
        Err(refusal) => return refusal.into_response(),
    };
    let named = serde_json::from_slice::<Named>(&body);
    // A list of a hundred thousand addresses is not kept twice while it is worked on.
    drop(body);
    let outcome = match named {
        Ok(Named { call, params }) => control.engine.call(&call, params).await,
        Err(error) => Err(ApiError::new(
            ApiCode::BadParams,
            format!("the call cannot be read: {error}"),
            "Send {\"call\": name, \"params\": {…}}.",
        )),
    };
    outcome.map_or_else(|error| refusal::of_engine(&error), written)
}

/// The reply's text, made as fast as it is taken.
fn written(reply: Reply) -> Response {
    let pieces = stream::iter(reply.pieces().map(Ok::<_, Infallible>));
    ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(pieces)).into_response()
}

/// The body of a request that may make calls.
async fn accepted(control: &Control, visit: &Visit, request: Request<Body>) -> Result<Bytes, Refusal> {
    control.guard.check_bearer(request.headers(), visit).await?;
    if !is_json(request.headers()) {
        return Err(Refusal::NotJson);
    }
    // Before anything of it is read, where its length is announced.
    if request.body().size_hint().lower() > MOST_CALL_BYTES as u64 {
        return Err(Refusal::TooLarge);
    }
    timeout(CALL_ARRIVES, gathered(request.into_body())).await.unwrap_or(Err(Refusal::BodyCut))
}

async fn gathered(body: Body) -> Result<Bytes, Refusal> {
    let mut body = body.into_data_stream();
    let mut chunks = Chunks::default();
    while let Some(chunk) = body.next().await {
        chunks.push(chunk.map_err(|_| Refusal::BodyCut)?);
        if chunks.len() > MOST_CALL_BYTES {
            return Err(Refusal::TooLarge);
        }
    }
    Ok(chunks.into_contiguous())
}

/// Whether the body is announced as JSON, which no page can do across sites without asking first.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}
