//! Small documents that are read at once instead of becoming a job. One is a Metalink behind an address.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use ropeway_drivers::{Context, DriverError};
use ropeway_model::{Failure, FailureCode, HeaderField, Network, SafeUrl, Secrets};
use tokio::time::timeout;

use super::Engine;

/// Longest wait for a whole document; whoever asked for it looks on.
const PATIENCE: Duration = Duration::from_secs(60);

impl Engine {
    /// The bytes behind `from`, which the user typed, at most `largest` of them; asked for as a job with these options
    /// would.
    ///
    /// # Errors
    /// What a job at this address would fail with; [`FailureCode::StateFailed`] while no job may start;
    /// [`FailureCode::UnexpectedContent`] where there is more.
    pub async fn read_document(
        &self,
        from: &SafeUrl,
        network: &Network,
        headers: Vec<HeaderField>,
        largest: usize,
    ) -> Result<Vec<u8>, Failure> {
        self.core.refuse_held().map_err(|held| held.failure())?;
        let context = Context {
            clients: self.core.clients.clone(),
            network: network.clone(),
            origin: from.expose().origin(),
            secrets: Secrets::of(from, headers),
            cookies: Arc::default(),
            pace: None,
            is_conditional: true,
            saved_as: None,
            gate: None,
            cancel: self.core.stopping.child_token(),
        };
        let reading = timeout(PATIENCE, self.read(&context, from, largest));
        reading.await.unwrap_or_else(|_| {
            let message = format!("{from} was not read within {} s", PATIENCE.as_secs());
            Err(Failure::new(FailureCode::IdleTimeout, message))
        })
    }

    /// Whether the document that the user typed `from` for may name `to` as an address of a file: a document of the
    /// internet names nothing that only this machine or its network can reach, and one that came encrypted names nothing
    /// that does not, unless `network` allows it.
    pub async fn may_name(&self, from: &SafeUrl, to: &SafeUrl, network: &Network) -> bool {
        let keeps_encryption = from.expose().scheme() != "https" || to.expose().scheme() == "https";
        (keeps_encryption || network.allow_downgrade) && self.core.clients.may_redirect(from, to, network).await
    }

    async fn read(&self, context: &Context, from: &SafeUrl, largest: usize) -> Result<Vec<u8>, Failure> {
        let failed = |error: DriverError| error.failure();
        let driver = self.core.drivers.for_download(from).map_err(failed)?;
        let unsupported = || Failure::new(FailureCode::SchemeUnsupported, format!("{from} cannot be downloaded from"));
        let probe = driver.download().ok_or_else(unsupported)?.probe(context, from).await.map_err(failed)?;
        let mut body = probe.body;
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk.map_err(failed)?);
            if bytes.len() > largest {
                let message = format!("{from} has more than {largest} bytes");
                return Err(Failure::new(FailureCode::UnexpectedContent, message));
            }
        }
        Ok(bytes)
    }
}
