//! Hostile peers with seeded faults, real servers, byte patterns and temp folders, for tests only.
//!
//! What fails here fails the test: the functions panic with what went wrong instead of returning it.

#![expect(clippy::unwrap_used, reason = "a test's surroundings that cannot be built end the test")]
#![expect(clippy::indexing_slicing, reason = "only bytes that the test made itself are indexed")]

pub mod fault;
mod folder;
pub mod machine;
pub mod namespace;
mod nginx;
mod pattern;
pub mod peer;
mod port;
mod socks;
mod tunnel;
mod tus_node;

pub use folder::TempFolder;
pub use nginx::{Nginx, NginxSettings};
pub use pattern::{Pattern, sha256_of_file};
pub use peer::Peer;
pub use port::{free_port, wait_for_port};
pub use socks::{Asked, SocksProxy};
pub use tunnel::{AskedTunnel, TunnelProxy};
pub use tus_node::TusNode;
