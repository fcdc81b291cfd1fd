//! The sharing and receiving service, as its clients see it: over real sockets, on a real folder.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod again;
mod download;
mod fixture;
mod host;
mod path;
mod raw;
mod stop;
mod upload;
