//! What the calls work on.

use std::sync::Arc;

use parking_lot::Mutex;
use ropeway_engine::Engine;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    error::ApiError, folder_lock::QueueLock, host::Host, publisher::Publisher, settings_file::SettingsFile,
    view::NoticeView,
};

/// The engine with what the contract adds to it.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) engine: Engine,
    pub(crate) settings: SettingsFile,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) host: Arc<dyn Host>,
    /// What was told when the queue was opened.
    pub(crate) notices: Vec<NoticeView>,
    /// Held while settings are put in force.
    pub(crate) in_force: Mutex<()>,
    /// Wakes who follows what the user should know.
    pub(crate) told: Notify,
    pub(crate) stopping: CancellationToken,
    /// Held for as long as the queue is ours, or shared by us.
    pub(crate) lock: QueueLock,
}

impl Core {
    /// All that the user should know and that no job tells.
    pub(crate) fn notices(&self) -> Vec<NoticeView> {
        self.notices.iter().cloned().chain(self.settings.notices()).collect()
    }

    /// Refuses what would move something while the settings that protect the user are not known. The engine refuses it,
    /// too; here the reason is known.
    pub(crate) fn refuse_blocked(&self) -> Result<(), ApiError> {
        self.settings.blocking().map_or(Ok(()), Err)
    }
}
