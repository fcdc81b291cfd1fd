//! The command line's way to the running engine.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use ropeway_api::{
    command::Call,
    error::{ApiCode, ApiError},
};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::{net::TcpStream, sync::Mutex, time::timeout};

use crate::{
    endpoint::{Endpoint, EndpointError},
    token,
};

/// A process of this machine that listens takes a connection at once, and knows its own token.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A call may wait for a disk, or for thousands of jobs to be stored.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);
/// A call that reads a file or fetches it again takes as long as the file does. An engine that ends meanwhile ends the
/// connection, so this is only for one that hangs.
const FILE_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);
/// Larger than any reply: a snapshot of a hundred thousand jobs has a tenth of it.
const MOST_REPLY_BYTES: usize = 1 << 30;
/// Longer than any proof.
const MOST_PROOF_BYTES: usize = 1024;

/// A connection to the engine that runs a queue.
///
/// Whoever listens proves that it has the token before it is told anything: an engine that was killed leaves its port to
/// any program of any user. All goes over the connection on which that was proved.
#[derive(Clone, Debug)]
pub struct Client {
    endpoint: Endpoint,
    address: SocketAddr,
    proved: Arc<Mutex<Option<SendRequest<Full<Bytes>>>>>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody runs the queue, or whoever did was killed.
    #[error("no Ropeway is running")]
    NotRunning,
    /// Somebody else listens where the engine was.
    #[error("the program that listens at {address} is not this user's Ropeway: nothing was sent to it")]
    Stranger {
        /// Where.
        address: SocketAddr,
    },
    /// The file that tells where it runs belongs to somebody else.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The system gives no random numbers.
    #[error("no question can be made: the system gives no random numbers")]
    NoRandomness,
}

impl ClientError {
    /// The code scripts match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotRunning => "NOT_RUNNING",
            Self::Stranger { .. } => "NOT_OURS",
            Self::Endpoint(_) => "STATE_FAILED",
            Self::NoRandomness => "NO_RANDOMNESS",
        }
    }

    /// The user's next step.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NotRunning => "Start the desktop app or `ropeway daemon`, or use `ropeway get` and `ropeway put`.",
            Self::Stranger { .. } => "Start `ropeway daemon` again, with the same version on both sides.",
            Self::Endpoint(_) => "Check who owns the data folder, or name another one with ROPEWAY_DATA_DIR.",
            Self::NoRandomness => "Try again once the system has started completely.",
        }
    }
}

impl Client {
    /// Finds the engine that runs the queue in `data_folder`.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`] if none does; also if one was killed and its endpoint is still there.
    /// [`ClientError::Stranger`] if whoever listens there does not know the token.
    pub async fn connect(data_folder: &Path) -> Result<Self, ClientError> {
        let endpoint = Endpoint::read(data_folder)?.ok_or(ClientError::NotRunning)?;
        let address = endpoint.url().strip_prefix("http://").and_then(|address| address.parse().ok());
        let address = address.ok_or(ClientError::NotRunning)?;
        let client = Self { endpoint, address, proved: Arc::default() };
        let sender = timeout(CONNECT_TIMEOUT, client.prove()).await;
        let sender = sender.unwrap_or(Err(ClientError::Stranger { address }))?;
        *client.proved.lock().await = Some(sender);
        Ok(client)
    }

    /// A new connection whose other end has shown that it has the token.
    async fn prove(&self) -> Result<SendRequest<Full<Bytes>>, ClientError> {
        let stranger = || ClientError::Stranger { address: self.address };
        let stream = TcpStream::connect(self.address).await.map_err(|_| ClientError::NotRunning)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| stranger())?;
        // It ends with its sender, or with the other side.
        tokio::spawn(async move { drop(connection.await) });
        let nonce = token::random_hex().map_err(|_| ClientError::NoRandomness)?;
        let question = self.request("GET", &format!("/proof/{nonce}")).body(Full::default());
        let answer = sender.send_request(question.map_err(|_| stranger())?).await.map_err(|_| stranger())?;
        let body = Limited::new(answer.into_body(), MOST_PROOF_BYTES).collect().await.map_err(|_| stranger())?;
        let shown: Proof = serde_json::from_slice(&body.to_bytes()).map_err(|_| stranger())?;
        if !self.endpoint.token().has_proved(&shown.proof, &nonce, self.address.port()) {
            return Err(stranger());
        }
        Ok(sender)
    }

    fn request(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder().method(method).uri(path).header(header::HOST, self.address.to_string())
    }

    /// The page's address for the user's browser, with the secret of this start.
    pub fn page(&self) -> String {
        self.endpoint.url_with_token()
    }

    /// Carries out a call.
    ///
    /// # Errors
    /// The engine's own refusal; [`ApiCode::ShuttingDown`] if it is gone or does not know us any more.
    pub async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, ApiError> {
        let body = serde_json::to_vec(&call).map_err(|error| {
            ApiError::new(ApiCode::BadParams, format!("the call cannot be written: {error}"), NOT_OURS)
        })?;
        timeout(timeout_of(&call), self.post(body)).await.unwrap_or_else(|_| Err(gone()))
    }

    async fn post<T: DeserializeOwned>(&self, body: Vec<u8>) -> Result<T, ApiError> {
        let mut proved = self.proved.lock().await;
        let mut kept = proved.take();
        if let Some(sender) = &mut kept
            && sender.ready().await.is_err()
        {
            kept = None;
        }
        let mut sender = match kept {
            Some(sender) => sender,
            None => timeout(CONNECT_TIMEOUT, self.prove()).await.map_err(|_| gone())?.map_err(|_| gone())?,
        };
        let request = self
            .request("POST", "/rpc")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.endpoint.token().expose()))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::from(body));
        let response = sender.send_request(request.map_err(|_| gone())?).await.map_err(|_| gone())?;
        let is_reply = response.status().is_success();
        let body = Limited::new(response.into_body(), MOST_REPLY_BYTES).collect().await.map_err(|_| gone())?.to_bytes();
        *proved = Some(sender);
        if is_reply {
            let misread =
                |error| ApiError::new(ApiCode::BadParams, format!("the reply cannot be read: {error}"), NOT_OURS);
            return serde_json::from_slice(&body).map_err(misread);
        }
        Err(serde_json::from_slice(&body).unwrap_or_else(|_| gone()))
    }
}

/// What a server says that has the token.
#[derive(Deserialize)]
struct Proof {
    proof: String,
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
