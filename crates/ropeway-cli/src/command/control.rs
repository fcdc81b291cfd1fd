//! The way to the desktop app or daemon that runs the user's queue.

use ropeway_api::{
    command::{Call, Nothing},
    error::{ApiCode, ApiError},
    view::Snapshot,
};
use ropeway_service::{
    control::{Client, ClientError},
    folders::Folders,
};
use serde::de::DeserializeOwned;

use crate::{command::numbers::Numbers, error::CommandError};

/// The running queue.
#[derive(Debug)]
pub(crate) struct Running {
    client: Client,
}

impl Running {
    /// Finds who runs this user's queue.
    ///
    /// # Errors
    /// [`CommandError::Control`] if nobody does.
    pub(crate) async fn find() -> Result<Self, CommandError> {
        let folders = Folders::of_this_user()?;
        // The kernel knows who lives: what a killed one has left leads to whoever has its port by now.
        if !ropeway_api::is_running(&folders.data).unwrap_or(true) {
            return Err(ClientError::NotRunning.into());
        }
        Ok(Self { client: Client::connect(&folders.data).await? })
    }

    /// The page's address, with the secret that opens it.
    pub(crate) fn page(&self) -> String {
        self.client.page()
    }

    /// Carries a call out there.
    ///
    /// # Errors
    /// [`CommandError::Call`] if the engine refuses it.
    pub(crate) async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, CommandError> {
        Ok(self.client.call(call).await?)
    }

    /// Everything there is.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, CommandError> {
        self.call(Call::Snapshot(Nothing {})).await
    }

    /// The numbers of the jobs that are meant, all of which exist.
    ///
    /// # Errors
    /// [`CommandError::Call`] with `NOT_FOUND` for a number without a job.
    pub(crate) async fn numbers(&self, wanted: &Numbers) -> Result<Vec<i64>, CommandError> {
        let snapshot = self.snapshot().await?;
        match wanted.missing(&snapshot.jobs) {
            Some(id) => Err(not_found(id)),
            None => Ok(wanted.among(&snapshot.jobs)),
        }
    }
}

/// There is no job with this number.
pub(crate) fn not_found(id: i64) -> CommandError {
    let message = format!("there is no job {id}");
    CommandError::Call(ApiError::new(ApiCode::NotFound, message, "It may have been removed: look at the list again."))
}
