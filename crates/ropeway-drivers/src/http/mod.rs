//! Downloads over HTTP and HTTPS (RFC 9110, RFC 9112).

pub(crate) mod announced;
mod body;
pub(crate) mod coding;
mod content_disposition;
mod decoded;
mod fetch;
pub(crate) mod page;
mod probe;
pub(crate) mod redirect;
pub(crate) mod wire;

use async_trait::async_trait;
use ropeway_model::{ByteRange, SafeUrl, Validator};

use crate::{Capability, Context, Download, Driver, DriverError, Fetched, Order, Probe};

/// Downloads by `GET`, whole or in ranges.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpDriver;

impl Driver for HttpDriver {
    fn capability(&self) -> Capability {
        Capability {
            ranges: true,
            resumes_uploads: false,
            part_order: Order::Sequential,
            part_size: None,
            parts_in_flight: 1,
        }
    }

    fn download(&self) -> Option<&dyn Download> {
        Some(self)
    }
}

#[async_trait]
impl Download for HttpDriver {
    async fn probe(&self, context: &Context, from: &SafeUrl) -> Result<Probe, DriverError> {
        probe::probe(context, from).await
    }

    async fn fetch(
        &self,
        context: &Context,
        from: &SafeUrl,
        want: ByteRange,
        valid: Option<&Validator>,
    ) -> Result<Fetched, DriverError> {
        fetch::fetch(context, from, want, valid).await
    }
}
