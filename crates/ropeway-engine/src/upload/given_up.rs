//! Uploads that are given up: what servers keep of them is removed.

use std::{collections::HashMap, time::Duration};

use futures_util::future::join_all;
use ropeway_drivers::{Context, Session, Upload};
use ropeway_model::{JobId, JobSpec, Transfer};
use ropeway_store::UploadState;
use tokio_util::sync::CancellationToken;

use super::session;
use crate::{attempt::context, core::Core, table::Entry};

/// Longest wait for a server that is told so. Who gave the upload up is not kept waiting; a server forgets it in its own
/// time.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ends an upload at its server.
pub(super) async fn end(upload: &dyn Upload, context: &Context, session: &Session) {
    match tokio::time::timeout(PATIENCE, upload.abort(context, session)).await {
        Ok(Ok(())) => tracing::debug!(url = %session.url, "upload ended at its server"),
        Ok(Err(error)) => tracing::info!(url = %session.url, %error, "the server keeps what it has of an upload"),
        Err(_) => tracing::info!(url = %session.url, "the server does not answer whether it ends an upload"),
    }
}

impl Core {
    /// Ends what servers hold of these uploads, none of which runs.
    pub(crate) async fn end_uploads(&self, ids: Vec<JobId>) {
        let begun = if ids.is_empty() { Vec::new() } else { self.store.uploads().await.unwrap_or_default() };
        let begun: HashMap<JobId, UploadState> = begun.into_iter().collect();
        let ending = ids.into_iter().filter_map(|id| {
            let spec = self.table.lock().get(id).map(Entry::spec)?;
            Some(self.end_saved(begun.get(&id)?.clone(), spec))
        });
        join_all(ending.collect::<Vec<_>>()).await;
    }

    /// Ends what the server holds of an upload that does not run.
    pub(crate) async fn end_upload(&self, id: JobId, spec: &JobSpec) {
        if let Ok(Some(saved)) = self.store.upload(id).await {
            self.end_saved(saved, spec.clone()).await;
        }
    }

    async fn end_saved(&self, saved: UploadState, spec: JobSpec) {
        let Transfer::Upload { to, .. } = &spec.transfer else { return };
        let Ok(driver) = self.drivers.for_upload(to) else { return };
        let Some(upload) = driver.upload().filter(|_| saved.session.scheme == to.scheme()) else { return };
        let mut session = session::of_saved(&saved.session);
        session.url = to.url().with_login_of_its_own(session.url.expose().clone());
        // The job's own token has been canceled.
        let context = context(self, &spec, CancellationToken::new());
        end(upload, &context, &session).await;
    }
}
