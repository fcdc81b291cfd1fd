//! The one way in.

use std::{path::PathBuf, sync::Arc};

use serde_json::Value;

use crate::{command::Call, error::ApiError, event::Batch, host::Host};

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
    /// process left unfinished takes it up again. Finished jobs leave nothing behind.
    Once,
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
pub struct Api {}

impl Api {
    /// Opens the queue, recovers what an earlier process left, and starts to run jobs.
    ///
    /// # Errors
    /// [`OpenError::InUse`] if another process runs the same [`Scope::Queue`].
    pub async fn open(_config: ApiConfig) -> Result<Self, OpenError> {
        todo!()
    }

    /// Carries out a call. What it changed is durable when this returns.
    pub async fn call(&self, _call: Call) -> Result<Value, ApiError> {
        todo!()
    }

    /// Carries out a call as a transport brings it: a name and JSON parameters.
    pub async fn call_named(&self, _name: &str, _params: Value) -> Result<Value, ApiError> {
        todo!()
    }

    /// Listens from now on. A slow subscriber loses batches, never blocks the engine, and sees the gap in
    /// [`Batch::seq`].
    pub fn subscribe(&self) -> Subscription {
        todo!()
    }

    /// Hands URLs, text or files of another program to the user for a decision.
    pub fn offer(&self, _text: String, _paths: Vec<String>) {
        todo!()
    }

    /// Stops every transfer, makes what they have durable and closes the queue. Calls after it are refused.
    pub async fn shutdown(&self) {
        todo!()
    }
}

/// A stream of batches.
#[derive(Debug)]
pub struct Subscription {}

impl Subscription {
    /// The next batch; `None` once the engine has shut down.
    pub async fn next(&mut self) -> Option<Batch> {
        todo!()
    }
}
