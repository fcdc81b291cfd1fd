//! Host names to addresses, with an error type of its own: a name that does not resolve is told from other failures
//! by type, not by text.

use std::io;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A host name without an address.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NameError(io::Error);

/// The system's resolver.
#[derive(Debug)]
pub(super) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // Port 0 stands for the scheme's own.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(NameError)?;
            let addresses: Vec<_> = found.collect();
            if addresses.is_empty() {
                return Err(NameError(io::ErrorKind::NotFound.into()).into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
