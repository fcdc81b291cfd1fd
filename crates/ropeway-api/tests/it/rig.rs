//! An api over folders of its own.

#![expect(clippy::disallowed_methods, reason = "a test lays files out")]

use std::sync::Arc;

use ropeway_api::{Api, ApiConfig, Scope, error::ApiError, host::Headless, view::Snapshot};
use ropeway_testkit::TempFolder;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(crate) struct Rig {
    pub(crate) api: Api,
    pub(crate) folder: TempFolder,
}

impl Rig {
    /// An api whose downloads go into the rig's folder.
    pub(crate) async fn new() -> Self {
        let rig = Self::open(TempFolder::new()).await;
        let mut settings = rig.snapshot().await.settings;
        settings.download_folder = rig.folder.join("downloads").to_string_lossy().into_owned();
        rig.call::<Value>("settings_set", serde_json::to_value(settings).unwrap()).await.unwrap();
        rig
    }

    /// An api whose settings' file holds `text`.
    pub(crate) async fn with_settings(text: &str) -> Self {
        let folder = TempFolder::new();
        std::fs::create_dir(folder.join("config")).unwrap();
        std::fs::write(folder.join("config").join("settings.toml"), text).unwrap();
        Self::open(folder).await
    }

    async fn open(folder: TempFolder) -> Self {
        let config = ApiConfig {
            data_folder: folder.join("data"),
            config_folder: folder.join("config"),
            scope: Scope::Queue,
            host: Arc::new(Headless),
        };
        Self { api: Api::open(config).await.unwrap(), folder }
    }

    pub(crate) async fn call<T: DeserializeOwned>(&self, name: &str, params: Value) -> Result<T, ApiError> {
        let reply = self.api.call_named(name, params).await?;
        Ok(reply.read().unwrap())
    }

    pub(crate) async fn snapshot(&self) -> Snapshot {
        self.call("snapshot", json!({})).await.unwrap()
    }
}
