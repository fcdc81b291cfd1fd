//! The contract between Ropeway's engine and every shell: the window, the command line, the daemon.
//!
//! A shell makes calls with [`Api::call`] and listens with [`Api::subscribe`]; it needs no other way in. The types in
//! [`view`], [`event`], [`command`] and [`error`] are the wire shape; ts-rs writes them as TypeScript into
//! `ui/src/gen`. Nothing here knows how a call travels.

mod api;
pub mod command;
pub mod error;
pub mod event;
pub mod host;
pub mod settings;
pub mod view;

pub use api::{Api, ApiConfig, OpenError, Scope, Subscription};
