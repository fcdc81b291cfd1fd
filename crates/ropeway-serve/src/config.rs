//! What a server is started with, and why it may not start.

use std::{io, net::SocketAddr, path::PathBuf};

use ropeway_model::ByteRate;
use ropeway_net::host::HostName;

/// What a [`Server`](super::Server) is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder that is shared and received into.
    pub root: PathBuf,
    /// Address to listen on; port 0 lets the system choose.
    pub bind: SocketAddr,
    /// Limit of each client, over all its connections together: one for what it downloads and one for what it
    /// uploads. A client is an IPv4 address or an IPv6 /64.
    pub limit_per_client: Option<ByteRate>,
    /// Whether a `PUT` may replace a file. Form uploads never do.
    pub overwrite: bool,
    /// The largest file that is received, in bytes.
    pub max_upload: Option<u64>,
    /// Refuses all uploads.
    pub read_only: bool,
    /// Names it goes by besides `localhost` and its addresses.
    pub hosts: Vec<HostName>,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The folder is not there, is no folder, or may not be read.
    #[error("the folder {} cannot be shared: {source}", root.display())]
    RootUnusable {
        /// The folder.
        root: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The address is taken, not ours, or reserved.
    #[error("cannot listen on {address}: {source}")]
    BindFailed {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

impl ServeError {
    /// The code scripts match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::RootUnusable { .. } => "ROOT_UNUSABLE",
            Self::BindFailed { .. } => "BIND_FAILED",
        }
    }

    /// The user's next step.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::RootUnusable { .. } => "Name an existing folder that you may read and, to receive, write.",
            Self::BindFailed { .. } => "Choose another port, or 0 for any free one, and an address of this machine.",
        }
    }
}
