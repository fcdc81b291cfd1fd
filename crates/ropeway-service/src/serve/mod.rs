//! The sharing and receiving service: `ropeway serve`.
//!
//! Files below one folder are downloaded with ranges and validators and uploaded by `PUT` or as an HTML form. The
//! service knows no users; who can reach the port can read, and unless it is read-only can add. It never lists, never
//! follows a link, never leaves its folder, and unless told otherwise never replaces a file.

mod answer;
mod block;
mod condition;
mod config;
mod digests;
mod entity;
mod file_body;
mod folder;
mod get;
mod path;
mod range;
mod refusal;
mod server;
mod throttle;
mod upload;

pub(crate) use get::offer_file;

pub use config::{Config, ServeError};
pub use server::{LimitHandle, Server, bind};

pub use crate::transport::host::{HostName, HostNameError};
