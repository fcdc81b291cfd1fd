//! The command line's way to the running engine.

use std::{path::Path, time::Duration};

use ropeway_api::{
    command::Call,
    error::{ApiCode, ApiError},
};
use serde::de::DeserializeOwned;
use tokio::{net::TcpStream, time::timeout};

use super::endpoint::{Endpoint, EndpointError};

/// A process of this machine that listens takes a connection at once.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A call may wait for a disk, or for thousands of jobs to be stored.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);
/// A call that reads a file or fetches it again takes as long as the file does. An engine that ends meanwhile ends the
/// connection, so this is only for one that hangs.
const FILE_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// A connection to the engine that runs a queue.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    endpoint: Endpoint,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody runs the queue, or whoever did was killed.
    #[error("no Ropeway is running")]
    NotRunning,
    /// The file that tells where it runs belongs to somebody else.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The HTTP client cannot be set up.
    #[error("no HTTP client: {reason}")]
    NoClient {
        /// Why.
        reason: String,
    },
}

impl ClientError {
    /// The code scripts match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotRunning => "NOT_RUNNING",
            Self::Endpoint(_) => "STATE_FAILED",
            Self::NoClient { .. } => "SYSTEM_REFUSED",
        }
    }

    /// The user's next step.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NotRunning => "Start the desktop app or `ropeway daemon`, or use `ropeway get` and `ropeway put`.",
            Self::Endpoint(_) => "Check who owns the data folder, or name another one with ROPEWAY_DATA_DIR.",
            Self::NoClient { .. } => "Check the system's certificates and limits.",
        }
    }
}

impl Client {
    /// Finds the engine that runs the queue in `data_folder`.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`] if none does; also if one was killed and its endpoint is still there.
    pub async fn connect(data_folder: &Path) -> Result<Self, ClientError> {
        let endpoint = Endpoint::read(data_folder)?.ok_or(ClientError::NotRunning)?;
        let address = endpoint.url().strip_prefix("http://").ok_or(ClientError::NotRunning)?;
        match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) | Err(_) => return Err(ClientError::NotRunning),
        }
        // The token must not pass through a proxy, and nobody may send it elsewhere.
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let http = http.build().map_err(|error| ClientError::NoClient { reason: error.to_string() })?;
        Ok(Self { http, endpoint })
    }

    /// Carries out a call.
    ///
    /// # Errors
    /// The engine's own refusal; [`ApiCode::ShuttingDown`] if it is gone or does not know us any more.
    pub async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, ApiError> {
        let body = serde_json::to_vec(&call).map_err(|error| {
            ApiError::new(ApiCode::BadParams, format!("the call cannot be written: {error}"), NOT_OURS)
        })?;
        let longest = timeout_of(&call);
        let request = self
            .http
            .post(format!("{}/rpc", self.endpoint.url()))
            .timeout(longest)
            .bearer_auth(self.endpoint.token().expose())
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(body);
        let response = request.send().await.map_err(|_| gone())?;
        let is_reply = response.status().is_success();
        let body = response.bytes().await.map_err(|_| gone())?;
        if is_reply {
            let misread =
                |error| ApiError::new(ApiCode::BadParams, format!("the reply cannot be read: {error}"), NOT_OURS);
            return serde_json::from_slice(&body).map_err(misread);
        }
        Err(serde_json::from_slice(&body).unwrap_or_else(|_| gone()))
    }
}

const NOT_OURS: &str = "Use the same version of ropeway on both sides.";

const fn timeout_of(call: &Call) -> Duration {
    match call {
        Call::JobVerify(_) | Call::JobRepair(_) => FILE_TIMEOUT,
        _ => CALL_TIMEOUT,
    }
}

fn gone() -> ApiError {
    ApiError::new(ApiCode::ShuttingDown, "the engine does not answer", "Start it again, then repeat the command.")
}
