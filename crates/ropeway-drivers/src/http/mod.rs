//! Downloads over HTTP and HTTPS (RFC 9110, RFC 9112).

pub(crate) mod announced;
mod body;
pub(crate) mod coding;
mod decoded;
mod fetch;
pub(crate) mod page;
mod probe;
pub(crate) mod redirect;

use async_trait::async_trait;
use ropeway_model::{ByteRange, SafeUrl, Validator};

use crate::{Context, Download, Driver, DriverError, Fetched, Patience, Probe};

/// Downloads by `GET`, whole or in ranges.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpDriver;

impl Driver for HttpDriver {
    fn schemes(&self) -> &'static [&'static str] {
        &["http", "https"]
    }

    fn download(&self) -> Option<&dyn Download> {
        Some(self)
    }
}

#[async_trait]
impl Download for HttpDriver {
    async fn probe(&self, context: &Context, from: &SafeUrl) -> Result<Probe, DriverError> {
        let patience = Patience::chosen();
        let probe = patience.answer(from, probe::probe(context, from)).await?;
        Ok(Probe { body: patience.body(&probe.url, probe.body), ..probe })
    }

    async fn fetch(
        &self,
        context: &Context,
        from: &SafeUrl,
        want: ByteRange,
        valid: Option<&Validator>,
    ) -> Result<Fetched, DriverError> {
        let patience = Patience::chosen();
        let fetched = patience.answer(from, fetch::fetch(context, from, want, valid)).await?;
        Ok(Fetched { body: patience.body(from, fetched.body), ..fetched })
    }
}
