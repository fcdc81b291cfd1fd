//! Opens the user's queue.

use std::sync::Arc;

use ropeway_api::{Api, ApiConfig, OpenError, Scope};
use ropeway_service::folders::Folders;
use tauri::AppHandle;

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
