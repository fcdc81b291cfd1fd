//! Context of a driver's requests: all that it needs besides the address.

use std::sync::Arc;

use ropeway_drivers::Context;
use ropeway_model::{JobSpec, Transfer};
use tokio_util::sync::CancellationToken;

use super::Attempt;
use crate::{core::Core, hosts::HostKey};

/// What a driver needs besides the address for requests of a job that no try makes.
pub(crate) fn context(engine: &Core, spec: &JobSpec, cancel: CancellationToken) -> Context {
    let address = spec.address().expose();
    // What a document named is led to by the address of the document.
    let of_document = if spec.secrets.are_for(address) { None } else { spec.secrets.origin() };
    Context {
        origin: of_document.unwrap_or_else(|| address.origin()),
        clients: engine.clients.clone(),
        network: spec.network.clone(),
        secrets: spec.secrets.clone(),
        cookies: Arc::default(),
        pace: None,
        is_conditional: true,
        saved_as: match &spec.transfer {
            Transfer::Download { name, .. } => name.clone(),
            Transfer::Upload { .. } => None,
        },
        gate: Some(Arc::new(engine.hosts.redirect_guard(HostKey::of(spec.address())))),
        cancel,
    }
}

impl Attempt {
    /// Context of the try's requests.
    pub(crate) fn context(&self) -> Context {
        let pace = self.throttle.tightest();
        let (cookies, gate) = (Arc::clone(&self.cookies), Arc::new(self.host_session.redirect_guard()));
        Context { pace, cookies, gate: Some(gate), ..context(&self.engine, &self.spec, self.cancel.clone()) }
    }

    /// The same for a request that no redirect leads to the server `tired`.
    pub(crate) fn context_without(&self, tired: HostKey) -> Context {
        Context { gate: Some(Arc::new(self.host_session.redirect_guard().but_not_to(tired))), ..self.context() }
    }
}
