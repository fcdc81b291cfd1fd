//! What every driver does, against a peer that lies and against real servers. Each case runs over all drivers whose
//! declared capability it is about.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod broken;
mod capability;
mod coding;
mod credential;
mod download;
mod families;
mod form_receiver;
mod ground;
mod http2;
mod instead;
mod narrow;
mod odd;
mod proxy;
mod range;
mod redirect;
mod refused_upload;
mod secure;
mod tus;
mod upload;
