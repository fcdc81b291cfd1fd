//! An api over folders of its own.

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
        let folder = TempFolder::new();
        let config = ApiConfig {
            data_folder: folder.join("data"),
            config_folder: folder.join("config"),
            scope: Scope::Queue,
            host: Arc::new(Headless),
        };
        let rig = Self { api: Api::open(config).await.unwrap(), folder };
        let mut settings = rig.snapshot().await.settings;
        settings.download_folder = rig.folder.join("downloads").to_string_lossy().into_owned();
        rig.call::<Value>("settings_set", serde_json::to_value(settings).unwrap()).await.unwrap();
        rig
    }

    pub(crate) async fn call<T: DeserializeOwned>(&self, name: &str, params: Value) -> Result<T, ApiError> {
        let reply = self.api.call_named(name, params).await?;
        Ok(reply.read().unwrap())
    }

    pub(crate) async fn snapshot(&self) -> Snapshot {
        self.call("snapshot", json!({})).await.unwrap()
    }
}
