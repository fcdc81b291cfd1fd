//! What every driver does, against a peer that lies and against real servers. Each case runs over all drivers whose
//! declared capability it is about.

mod download;
mod ground;
mod upload;
