//! The seam between the engine and a protocol.
//!
//! Every transfer is a set of byte ranges; protocols differ in which ranges are allowed, in what order, what must be
//! remembered, and how it ends. What a protocol cannot do is absent (`None`), not an error at run time.

mod download;
mod upload;

use std::{fmt, sync::Arc};

use ropeway_model::{ByteRate, FileName, Network, Secrets};
use tokio_util::sync::CancellationToken;

pub use download::{ByteStream, Download, Fetched, Handshake, Probe};
pub use upload::{
    Evidence, Held, Layout, OpenUpload, Part, PartBody, PartBytes, Receipt, Sent, Session, SourceMeta, Stored, Upload,
};

use crate::{Clients, CookieJar, client::ahead};

/// Surroundings of a driver's requests: all that it needs besides the address.
#[derive(Clone, Debug)]
pub struct Context {
    /// The process's HTTP clients, one per way to reach the network.
    pub clients: Clients,
    /// Settings by which this job reaches the network.
    pub network: Network,
    /// The origin of the address the user gave. A probe may end at another one, and later requests then start there.
    pub origin: url::Origin,
    /// Headers of the user.
    pub secrets: Secrets,
    /// Cookies that servers set while the job lasts.
    pub cookies: Arc<CookieJar>,
    /// Limit that the first answer is read at. Without it the request may travel on a connection that other jobs use as
    /// well (HTTP/2), where nothing that is under way is held back for one job alone; with it, on one of its own whose
    /// receive buffer is so small that the kernel does not run ahead.
    pub pace: Option<ByteRate>,
    /// True where a request for a range may carry a condition (`If-Range`). Some servers take none.
    pub is_conditional: bool,
    /// Name that the user gave the file. It says which coding is the file's own.
    pub saved_as: Option<FileName>,
    /// Asked before a redirect is followed to another server. Without it all are.
    pub gate: Option<Arc<dyn Gate>>,
    /// Ends every request of the job at once.
    pub cancel: CancellationToken,
}

impl Context {
    /// Most bytes of the first answer lost by leaving it early. They are under way or unread by then.
    pub fn ahead(&self) -> u64 {
        self.pace.map_or(0, ahead)
    }
}

/// Knows which servers are left alone at the moment.
pub trait Gate: Send + Sync + fmt::Debug {
    /// Whether a redirect may be followed to `host`, with its port where that is not the scheme's own.
    fn may_redirect_to(&self, host: &str) -> bool;
}

/// One network protocol.
pub trait Driver: Send + Sync + fmt::Debug {
    /// Schemes of the addresses it speaks to, as a user writes them.
    fn schemes(&self) -> &'static [&'static str];

    /// Its way to download, if it has one.
    fn download(&self) -> Option<&dyn Download> {
        None
    }

    /// Its way to upload, if it has one.
    fn upload(&self) -> Option<&dyn Upload> {
        None
    }
}
