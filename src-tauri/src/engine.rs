//! The user's queue, opened, and reachable for the command line.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use ropeway_api::{Api, ApiConfig, OpenError, Scope};
use ropeway_control::Place;
use ropeway_files::Folders;
use tauri::{
    AppHandle,
    async_runtime::{self, JoinHandle},
};
use tokio::sync::oneshot;

use crate::host::Desktop;

/// Opens the queue of these folders with the desktop as its host.
pub(crate) async fn open(app: &AppHandle, folders: &Folders) -> Result<Api, OpenError> {
    Api::open(ApiConfig {
        data_folder: folders.data.clone(),
        config_folder: folders.config.clone(),
        scope: Scope::Queue,
        host: Arc::new(Desktop::new(app.clone())),
    })
    .await
}

/// The port at which `ropeway add`, `ropeway list` and the other verbs find this queue.
#[derive(Debug)]
pub(crate) struct Control {
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Control {
    /// Listens at the queue's port, for programs of this machine alone. Where that fails the window works
    /// all the same, so it is only logged.
    pub(crate) async fn listen(api: &Api, data_folder: &Path) -> Self {
        let running = match ropeway_control::bind(api.clone(), Place::AsBefore, data_folder).await {
            Ok(server) => {
                let (stop, stopped) = oneshot::channel();
                let ended = async_runtime::spawn(server.run(async {
                    // Dropped is stopped too.
                    let _ = stopped.await;
                }));
                Some(Running { stop, ended })
            }
            Err(cause) => {
                tracing::warn!(%cause, "the command line cannot reach this queue");
                None
            }
        };
        Self { running: Mutex::new(running) }
    }

    /// Lets running calls finish, and listens no more.
    pub(crate) async fn stop(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Running { stop, ended }) = running {
            drop(stop);
            if let Err(cause) = ended.await {
                tracing::warn!(%cause, "the control port broke");
            }
        }
    }
}
