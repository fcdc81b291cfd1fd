//! What the calls work on.

use std::sync::Arc;

use ropeway_engine::Engine;
use tokio_util::sync::CancellationToken;

use crate::{api::Scope, folder_lock::FolderLock, host::Host, publisher::Publisher, settings_file::SettingsFile};

/// The engine with what the contract adds to it.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) engine: Engine,
    pub(crate) settings: SettingsFile,
    pub(crate) scope: Scope,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) stopping: CancellationToken,
    /// Held for as long as the queue is ours.
    pub(crate) _lock: Option<FolderLock>,
}
