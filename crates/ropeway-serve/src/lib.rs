//! The sharing and receiving service: `ropeway serve`.
//!
//! Files below one folder are downloaded with ranges and validators and uploaded by `PUT` or as an HTML form. The
//! service knows no users; who can reach the port can read, and unless it is read-only can add. It never lists, never
//! follows a link, never leaves its folder, and unless told otherwise never replaces a file.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod answer;
mod config;
mod digests;
mod folder;
mod get;
mod path;
mod refusal;
mod server;
mod upload;

pub use config::{Config, ServeError};
pub use ropeway_net::host::{HostName, HostNameError};
pub use server::{LimitHandle, Server, bind};
