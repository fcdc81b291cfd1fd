//! `GET /events`: a WebSocket that carries the engine's batches as JSON.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{
        Extension, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, close_code, rejection::WebSocketUpgradeRejection},
    },
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream::BoxStream};
use http::HeaderMap;
use ropeway_api::event::Batch;
use ropeway_net::visit::Visit;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use crate::{refusal::Refusal, server::Control};

/// The subprotocol a client may name beside the one that carries its token.
const PROTOCOL: &str = "ropeway";
/// How often a silent client is asked whether it is there.
const PING_PERIOD: Duration = Duration::from_secs(20);
/// How long a client may be silent, pongs included.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);
/// How long one batch may take to be taken. Meanwhile newer ones are dropped by the engine, not gathered here.
const LONGEST_SEND: Duration = Duration::from_secs(30);
/// Clients have nothing to say on this line.
const MOST_CLIENT_BYTES: usize = 4 * 1024;

/// Lets a client listen.
pub(crate) async fn listen(
    State(control): State<Control>,
    Extension(visit): Extension<Arc<Visit>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if let Err(refusal) = control.guard.check_socket(&headers, &visit).await {
        return refusal.into_response();
    }
    let Ok(upgrade) = upgrade else { return Refusal::NoWebSocket.into_response() };
    // Before the handshake is answered: a snapshot that the client then asks for joins these batches without a gap.
    let batches = control.engine.subscribe();
    let (stopping, alive) = (control.stopping.clone(), control.listeners.token());
    upgrade.protocols([PROTOCOL]).max_message_size(MOST_CLIENT_BYTES).max_frame_size(MOST_CLIENT_BYTES).on_upgrade(
        async move |socket| {
            feed(socket, batches, stopping).await;
            drop(alive);
        },
    )
}

/// Sends batches until the client, the engine or the server is gone.
async fn feed(mut socket: WebSocket, mut batches: BoxStream<'static, Batch>, stopping: CancellationToken) {
    let mut pings = interval_at(Instant::now() + PING_PERIOD, PING_PERIOD);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    loop {
        let message = tokio::select! {
            () = stopping.cancelled() => going_away(),
            batch = batches.next() => match batch.map(|batch| serde_json::to_string(&batch)) {
                Some(Ok(text)) => Message::Text(text.into()),
                Some(Err(error)) => {
                    tracing::error!(%error, "a batch cannot be written as JSON");
                    going_away()
                }
                None => going_away(),
            },
            said = socket.recv() => match said {
                Some(Ok(_)) => {
                    heard = Instant::now();
                    continue;
                }
                Some(Err(_)) | None => return,
            },
            _ = pings.tick() => {
                if heard.elapsed() > LONGEST_SILENCE {
                    return;
                }
                Message::Ping(axum::body::Bytes::new())
            }
        };
        let is_last = matches!(message, Message::Close(_));
        match timeout(LONGEST_SEND, socket.send(message)).await {
            Ok(Ok(())) if !is_last => {}
            _ => return,
        }
    }
}

fn going_away() -> Message {
    Message::Close(Some(CloseFrame { code: close_code::AWAY, reason: "the engine stops".into() }))
}
