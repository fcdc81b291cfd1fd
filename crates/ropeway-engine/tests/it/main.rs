//! The engine against real peers: whole jobs, through cuts, changes, pauses and restarts.

#![allow(clippy::unwrap_used, reason = "tests")]

mod blocks;
mod control;
mod crash;
mod crew;
mod digest;
mod disturbed;
mod download;
mod expired;
mod hosts;
mod mirrors;
mod neighbours;
mod obstacles;
mod overlap;
mod repair;
mod rig;
mod schedule;
mod start_at;
mod still;
mod upload;
mod whole;
