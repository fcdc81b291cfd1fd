//! The contract between Ropeway's engine and every shell: the window, the command line, the daemon.
//!
//! A shell makes calls with [`Api::call`] and listens with [`Api::subscribe`]; it needs no other way in. The types in
//! [`view`], [`event`], [`command`] and [`error`] are the wire shape; ts-rs writes them as TypeScript into
//! `ui/src/gen`. Nothing here knows how a call travels.

mod api;
mod calls;
pub mod command;
mod convert;
mod core;
pub mod error;
pub mod event;
mod folder_lock;
pub mod host;
mod publisher;
mod reply;
mod reserve;
pub mod settings;
mod settings_check;
mod settings_file;
mod settings_watch;
pub mod view;

pub use api::{Api, ApiConfig, OpenError, Scope};
pub use folder_lock::is_running;
pub use publisher::{News, Subscription};
pub use reply::Reply;
pub use ropeway_engine::Leftover;
