//! What the tests stand on: the program in a home of its own, a running daemon, big files, random moments.

mod big_file;
mod daemon;
mod form_receiver;
mod moments;
mod program;
mod server;
mod volume;
mod wait;

pub(crate) use big_file::{assert_same_bytes, big_file, memory_folder, stamped_file};
pub(crate) use daemon::Daemon;
pub(crate) use form_receiver::FormReceiver;
pub(crate) use moments::Moments;
pub(crate) use program::{Finished, Home, Running, has_strace, program};
pub(crate) use server::Server;
pub(crate) use volume::on_volume;
pub(crate) use wait::{wait_at_most, wait_until};

/// One mebibyte.
pub(crate) const MIB: u64 = 1 << 20;
/// One gibibyte.
pub(crate) const GIB: u64 = 1 << 30;
