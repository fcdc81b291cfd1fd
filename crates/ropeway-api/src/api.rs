//! The one way in.

use std::{path::PathBuf, sync::Arc};

use ropeway_engine::{DigestPolicy, Engine, EngineConfig, Seams};
use ropeway_model::Schedule;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    calls,
    command::Call,
    core::Core,
    error::{ApiCode, ApiError},
    folder_lock::FolderLock,
    host::Host,
    publisher::{Publisher, Subscription},
    reply::Reply,
    settings_check::Checked,
    settings_file::{Keeping, SettingsFile},
};

/// What an engine is opened with.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// Folder of the durable queue; created if it is not there.
    pub data_folder: PathBuf,
    /// Folder of `settings.toml`; created when settings are first saved.
    pub config_folder: PathBuf,
    /// Which jobs this process runs.
    pub scope: Scope,
    /// The program around the engine.
    pub host: Arc<dyn Host>,
}

/// Which jobs a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The user's queue: all its jobs, exclusively.
    Queue,
    /// Only jobs this process adds, in a queue that several such processes share. Adding a job that an earlier
    /// process left unfinished takes it up again. Finished jobs leave nothing behind. Files are hashed only where there
    /// is something to compare with. Changed settings are this process's alone.
    Once,
    /// As [`Self::Once`], and every file is hashed.
    OnceHashed,
}

/// Why an engine could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process runs the queue.
    #[error("another Ropeway already runs the queue in {}", folder.display())]
    InUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// The folder or its database cannot be used.
    #[error("the data folder {} cannot be used: {reason}", folder.display())]
    Unusable {
        /// The data folder.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
}

/// An engine with its contract; cheap to clone, all clones are the same engine.
#[derive(Clone, Debug)]
pub struct Api {
    core: Arc<Core>,
}

impl Api {
    /// Opens the queue, recovers what an earlier process left, and starts to run jobs.
    ///
    /// # Errors
    /// [`OpenError::InUse`] if another process runs the same [`Scope::Queue`].
    pub async fn open(config: ApiConfig) -> Result<Self, OpenError> {
        let folder = config.data_folder;
        let unusable = |reason: String| OpenError::Unusable { folder: folder.clone(), reason };
        std::fs::create_dir_all(&folder).map_err(|error| unusable(error.to_string()))?;
        let (lock, database, scope, digests, keeping) = match config.scope {
            Scope::Queue => {
                let lock = FolderLock::take(&folder)?;
                (Some(lock), "queue.db", ropeway_engine::Scope::Queue, DigestPolicy::EveryFile, Keeping::Saved)
            }
            Scope::Once => {
                (None, "once.db", ropeway_engine::Scope::Once, DigestPolicy::WhereGiven, Keeping::ThisProcess)
            }
            Scope::OnceHashed => {
                (None, "once.db", ropeway_engine::Scope::Once, DigestPolicy::EveryFile, Keeping::ThisProcess)
            }
        };
        let settings = SettingsFile::open(&config.config_folder, keeping);
        let Checked { limits, schedule, servers } = settings.checked();
        // What somebody starts by hand is wanted now, whatever hour it is.
        let schedule = if config.scope == Scope::Queue { schedule } else { Schedule::default() };
        let database = Some(folder.join(database));
        let engine_config = EngineConfig { database, scope, digests, limits, schedule, servers };
        let opened = Engine::open(Seams::default(), engine_config).await;
        let engine = opened.map_err(|error| unusable(error.to_string()))?;
        let publisher = Arc::new(Publisher::new(engine.clone()));
        let stopping = CancellationToken::new();
        tokio::spawn(Arc::clone(&publisher).run(stopping.clone()));
        let core = Core { engine, settings, scope: config.scope, publisher, host: config.host, stopping, _lock: lock };
        Ok(Self { core: Arc::new(core) })
    }

    /// Carries out a call. What it changed is durable when this returns.
    ///
    /// # Errors
    /// [`ApiError`] with a code for programs, a sentence and a next step for people.
    pub async fn call(&self, call: Call) -> Result<Reply, ApiError> {
        if self.core.stopping.is_cancelled() {
            let hint = "Start Ropeway again.";
            return Err(ApiError::new(ApiCode::ShuttingDown, "Ropeway is shutting down", hint));
        }
        calls::dispatch(&self.core, call).await
    }

    /// Carries out a call as a transport brings it: a name and JSON parameters.
    ///
    /// # Errors
    /// As [`Api::call`]; [`ApiCode::UnknownCall`] and [`ApiCode::BadParams`] for what is no call.
    pub async fn call_named(&self, name: &str, params: Value) -> Result<Reply, ApiError> {
        if !Call::NAMES.contains(&name) {
            let shown: String = name.chars().filter(|character| !character.is_control()).take(40).collect();
            let hint = "Use a version of the program that matches this engine.";
            return Err(ApiError::new(ApiCode::UnknownCall, format!("there is no call '{shown}'"), hint));
        }
        let params = if params.is_null() { Value::Object(serde_json::Map::new()) } else { params };
        let call = serde_json::json!({ "call": name, "params": params });
        let call = serde_json::from_value(call).map_err(|error| ApiError::bad_params(format!("{name}: {error}")))?;
        self.call(call).await
    }

    /// Listens from now on. A slow subscriber loses batches, never blocks the engine, and sees the gap in
    /// [`crate::event::Batch::seq`].
    pub fn subscribe(&self) -> Subscription {
        self.core.publisher.subscribe()
    }

    /// Hands URLs, text or files of another program to the user for a decision.
    pub fn offer(&self, text: String, paths: Vec<String>) {
        self.core.publisher.publish(vec![crate::event::Event::Offer { text, paths }]);
    }

    /// Stops every transfer, makes what they have durable and closes the queue. Calls after it are refused.
    pub async fn shutdown(&self) {
        self.core.engine.shutdown().await;
        self.core.stopping.cancel();
        self.core.publisher.close();
    }
}
