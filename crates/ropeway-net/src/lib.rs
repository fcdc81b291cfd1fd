//! Sockets, and what every server of ours stands on.
//!
//! One accept loop with its limits ([`listen`]): who has a place ([`visit`]), how slow a peer may be ([`pace`]), whom a
//! request is for ([`host`]), what a client may use of the line ([`throttle`]), and a file as an answer ([`file`]).

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

pub mod file;
pub mod host;
pub mod listen;
pub mod pace;
mod paced_stream;
mod places;
pub mod throttle;
pub mod visit;
