//! Transport in the place of the network, for simulations.

use std::{fmt, io, pin::Pin};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, Method, Response};
use reqwest::Body;
use ropeway_model::SafeUrl;

use crate::DriverError;

/// The body of a message; an `Err` breaks the connection.
pub type TransportBody = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Carries requests in the place of the network. Everything above it is real: what is asked, which answers are believed,
/// and what their bodies are cut to.
#[async_trait]
pub trait Transport: Send + Sync + fmt::Debug {
    /// Sends a `GET` with these header fields, and returns the answer once its head is there, whatever its status.
    ///
    /// # Errors
    /// What stands for a connection that was never made, or broke before the answer came.
    async fn get(&self, url: &SafeUrl, fields: HeaderMap) -> Result<Response<TransportBody>, DriverError>;

    /// Sends a request of an upload, and returns the answer once its head is there, whatever its status. It reads of the
    /// `body` what the other side would; a client that gives the request up drops both. What carries no uploads refuses
    /// the connection.
    ///
    /// # Errors
    /// What stands for a connection that was never made, or broke before the answer came.
    async fn send(
        &self,
        _method: Method,
        url: &SafeUrl,
        _fields: HeaderMap,
        _body: TransportBody,
    ) -> Result<Response<TransportBody>, DriverError> {
        Err(DriverError::ConnectionRefused { host: url.host() })
    }
}

/// The answer as the real clients give it.
pub(crate) fn answered(response: Response<TransportBody>) -> reqwest::Response {
    response.map(Body::wrap_stream).into()
}
