//! The local control API: the engine's contract for a browser and for the command line, and the web UI itself.
//!
//! `POST /rpc` carries calls, `/files` hands finished files to a browser, `GET /events` is a WebSocket with the engine's batches, `/` is the page. Whoever reaches
//! the port is a stranger until it shows the token; pages of other sites are refused whatever they show ([`guard`]).
//! The address and the token lie in the data folder, readable for the user alone ([`Endpoint`]), where the command
//! line's verbs find them ([`Client`]).

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod bookmark;
mod client;
mod contract;
mod endpoint;
mod events;
mod files;
mod guard;
mod page;
mod refusal;
mod rpc;
mod server;
mod token;

pub use client::{Client, ClientError};
pub use endpoint::{Endpoint, EndpointError};
pub use server::{ControlError, ControlServer, Place, bind};
