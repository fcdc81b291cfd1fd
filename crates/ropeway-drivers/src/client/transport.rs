//! Transport in the place of the network, for simulations.

use std::{fmt, io, pin::Pin};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, Response};
use reqwest::Body;
use ropeway_model::SafeUrl;

use crate::DriverError;

/// The body of an answer; an `Err` breaks the connection.
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
}

/// The answer as the real clients give it.
pub(super) fn answered(response: Response<TransportBody>) -> reqwest::Response {
    response.map(Body::wrap_stream).into()
}
