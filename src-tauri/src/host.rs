//! What the engine may ask of the desktop: dialogs and the file manager.

use std::path::{Path, PathBuf};

use ropeway_api::{
    command::PickKind,
    error::{ApiCode, ApiError},
    host::Host,
    view::HostCapability,
};
use tauri::{AppHandle, Manager as _, async_runtime};
use tauri_plugin_dialog::{DialogExt as _, FilePath};
use tokio::sync::oneshot;

use crate::window;

/// The desktop around the engine.
#[derive(Clone, Debug)]
pub(crate) struct Desktop {
    app: AppHandle,
}

impl Desktop {
    pub(crate) fn new(app: AppHandle) -> Self {
        Self { app }
    }
}

#[async_trait::async_trait]
impl Host for Desktop {
    fn capability(&self) -> HostCapability {
        HostCapability { pick: true, open: true, reveal: true, drop_paths: true }
    }

    async fn pick(&self, kind: PickKind) -> Result<Vec<PathBuf>, ApiError> {
        let (answer, picked) = oneshot::channel();
        let mut dialog = self.app.dialog().file();
        if let Some(window) = self.app.get_webview_window(window::LABEL) {
            dialog = dialog.set_parent(&window);
        }
        match kind {
            PickKind::Files => dialog.pick_files(|files| drop(answer.send(files.unwrap_or_default()))),
            PickKind::Folder => dialog.pick_folder(|folder| drop(answer.send(folder.into_iter().collect()))),
        }
        // Without an answer the dialog went away with its window: the user dismissed it.
        let picked: Vec<FilePath> = picked.await.unwrap_or_default();
        Ok(picked.into_iter().filter_map(|path| path.into_path().ok()).collect())
    }

    async fn open(&self, path: &Path) -> Result<(), ApiError> {
        let path = path.to_owned();
        let opened = async_runtime::spawn_blocking(move || open_file(&path)).await;
        opened.map_err(|_| cannot_open("the desktop was not reached"))?
    }

    async fn reveal(&self, path: &Path) -> Result<(), ApiError> {
        let path = path.to_owned();
        let revealed = async_runtime::spawn_blocking(move || show_in_folder(&path)).await;
        revealed.map_err(|_| cannot_reveal("the file manager was not reached"))?
    }
}

/// Opens the file with the program that the desktop has for its kind.
fn open_file(path: &Path) -> Result<(), ApiError> {
    check_is_there(path)?;
    tauri_plugin_opener::open_path(path, None::<&str>).map_err(|cause| cannot_open(&cause.to_string()))
}

/// Selects the file in the file manager, or at least opens its folder where the file manager cannot select.
fn show_in_folder(path: &Path) -> Result<(), ApiError> {
    check_is_there(path)?;
    if let Err(cause) = tauri_plugin_opener::reveal_item_in_dir(path) {
        tracing::info!(%cause, "the file manager cannot select a file, so the folder is opened");
        let folder = path.parent().unwrap_or(path);
        tauri_plugin_opener::open_path(folder, None::<&str>).map_err(|cause| cannot_reveal(&cause.to_string()))?;
    }
    Ok(())
}

fn check_is_there(path: &Path) -> Result<(), ApiError> {
    if path.exists() {
        return Ok(());
    }
    let message = format!("{} is not there any more", path.display());
    Err(ApiError::new(ApiCode::NotFound, message, "It was moved or deleted after the transfer; download it again."))
}

fn cannot_open(reason: &str) -> ApiError {
    ApiError::new(
        ApiCode::Unsupported,
        format!("the file cannot be opened: {reason}"),
        "Choose a program for such files in the desktop's settings, or show the file in its folder.",
    )
}

fn cannot_reveal(reason: &str) -> ApiError {
    ApiError::new(
        ApiCode::Unsupported,
        format!("the folder cannot be shown: {reason}"),
        "Open it in a file manager; the details of the job name it.",
    )
}
