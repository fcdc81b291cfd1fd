//! What this module needs of the engine; so little that tests can stand in for it.

use std::fmt;

use futures_util::{
    StreamExt,
    future::{BoxFuture, FutureExt},
    stream::{self, BoxStream},
};
use ropeway_api::{Api, Reply, error::ApiError, event::Batch};
use serde_json::Value;

/// The engine behind the server.
pub(crate) trait Contract: Send + Sync + fmt::Debug + 'static {
    /// Carries out a call.
    fn call<'a>(&'a self, name: &'a str, params: Value) -> BoxFuture<'a, Result<Reply, ApiError>>;

    /// The batches from now on; ends when the engine does.
    fn subscribe(&self) -> BoxStream<'static, Batch>;
}

impl Contract for Api {
    fn call<'a>(&'a self, name: &'a str, params: Value) -> BoxFuture<'a, Result<Reply, ApiError>> {
        self.call_named(name, params).boxed()
    }

    fn subscribe(&self) -> BoxStream<'static, Batch> {
        let next = |mut subscription: ropeway_api::Subscription| async move {
            let batch = subscription.next().await?;
            Some((batch, subscription))
        };
        stream::unfold(Self::subscribe(self), next).boxed()
    }
}
