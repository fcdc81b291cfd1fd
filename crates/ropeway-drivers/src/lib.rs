//! The network protocols of Ropeway. A driver moves bytes and nothing else: the engine owns disk, throttle, retry and
//! checksum, so that no protocol can forget to limit, hash or sync.

#![warn(clippy::indexing_slicing)]

mod client;
mod credential;
mod driver;
mod error;
mod form;
mod http;
pub mod metalink;
mod patience;
mod put;
mod registry;
mod send;
mod tus;
mod upload;

pub use client::{Clients, Transport, TransportBody};
pub use credential::{CookieJar, exposed_netrc};
pub use driver::{
    ByteStream, Context, Download, Driver, Evidence, Fetched, Gate, Handshake, Held, Layout, OpenUpload, Part,
    PartBody, PartBytes, Probe, Receipt, Sent, Session, SourceMeta, Stored, Upload,
};
pub use error::{Blame, DriverError, Meaning, Turn};
pub use form::FormDriver;
pub use http::HttpDriver;
pub use patience::Patience;
pub use put::PutDriver;
pub use registry::Drivers;
pub use tus::TusDriver;
pub use upload::ServerWords;
