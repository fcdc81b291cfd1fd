//! The network protocols of Ropeway. A driver moves bytes and nothing else: the engine owns disk, throttle, retry and
//! checksum, so that no protocol can forget to limit, hash or sync.

#![warn(clippy::indexing_slicing)]

mod capability;
mod client;
mod credential;
mod driver;
mod error;
mod error_words;
mod exchange;
mod form;
mod http;
pub mod metalink;
mod patience;
mod put;
mod registry;
mod status;
mod upload;

pub use capability::{Capability, Order};
pub use client::{Clients, Transport, TransportBody};
pub use credential::{CookieJar, exposed_netrc};
pub use driver::{
    ByteStream, Close, Context, Download, Driver, Evidence, Fetched, Gate, Handshake, Part, PartBody, PartReceipt,
    Probe, Session, SourceMeta, Stored, Upload,
};
pub use error::{DriverError, Turn};
pub use form::FormDriver;
pub use http::HttpDriver;
pub use patience::Patience;
pub use put::PutDriver;
pub use registry::Drivers;
pub use upload::ServerWords;
