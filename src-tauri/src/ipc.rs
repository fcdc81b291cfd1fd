//! The page's way to the engine: one command for all calls, one channel for all batches. And to the tray and
//! the notifications, which speak the page's language.

use std::sync::{Mutex, PoisonError};

use ropeway_api::{Api, error::ApiError, event::Batch};
use serde_json::Value;
use tauri::{AppHandle, State, async_runtime, ipc::Channel};
use tokio::task::AbortHandle;

use crate::{language::Words, offer::Offers, shell::Shell, tray};

/// The call after which a page knows everything, and applies each batch that follows.
const FIRST_CALL: &str = "snapshot";

/// Carries out a call of the page.
#[tauri::command]
pub(crate) async fn rpc(
    shell: State<'_, Shell>,
    offers: State<'_, Offers>,
    call: String,
    params: Value,
) -> Result<Value, ApiError> {
    let reply = shell.api.call_named(&call, params).await?;
    if call == FIRST_CALL {
        offers.page_is_ready(&shell.api);
    }
    Ok(reply.value())
}

/// Sends every batch from now on into the page's channel. A page has one stream: a second call ends the first.
#[tauri::command]
#[expect(clippy::needless_pass_by_value, reason = "the signature that Tauri calls")]
pub(crate) fn subscribe(shell: State<'_, Shell>, offers: State<'_, Offers>, channel: Channel<Batch>) {
    offers.page_is_gone();
    shell.stream.start(&shell.api, channel);
}

/// Takes what the tray and the notifications say in the language that the page speaks now.
#[tauri::command]
#[expect(clippy::needless_pass_by_value, reason = "the signature that Tauri calls")]
pub(crate) fn speak(app: AppHandle, shell: State<'_, Shell>, words: Words) {
    if shell.words.change(words) {
        tray::speak(&app);
    }
}

/// The page's stream of batches; there is at most one.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    forwarder: Mutex<Option<AbortHandle>>,
}

impl Stream {
    fn start(&self, api: &Api, channel: Channel<Batch>) {
        let mut batches = api.subscribe();
        let forwarder = async_runtime::spawn(async move {
            while let Some(batch) = batches.next().await {
                // A destroyed page takes no more; the window's end stops this task too, whichever comes first.
                if channel.send(batch).is_err() {
                    break;
                }
            }
        });
        self.replace(Some(forwarder.inner().abort_handle()));
    }

    /// Ends the stream, if there is one.
    pub(crate) fn stop(&self) {
        self.replace(None);
    }

    fn replace(&self, next: Option<AbortHandle>) {
        let mut forwarder = self.forwarder.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(previous) = std::mem::replace(&mut *forwarder, next) {
            previous.abort();
        }
    }
}
