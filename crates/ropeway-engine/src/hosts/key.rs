//! Which server is meant.

use std::{fmt, sync::Arc};

use ropeway_model::SafeUrl;

/// Server as all caps count it. It is a host and, where that is not the scheme's own, its port, whatever the scheme.
/// Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct HostKey(Arc<str>);

impl HostKey {
    /// The server of an address.
    pub(crate) fn of(url: &SafeUrl) -> Self {
        Self::new(&url.host())
    }

    pub(crate) fn new(host: &str) -> Self {
        Self(host.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
