//! The engine against real peers: whole jobs, through cuts, changes, pauses and restarts.

#![allow(clippy::unwrap_used, reason = "tests")]

mod blockers;
mod blocks;
mod checksum_files;
mod control;
mod crash;
mod crew;
mod defects;
mod digest;
mod disturbed;
mod document;
mod download;
mod existing;
mod expired;
mod hosts;
mod limited;
mod many_hands;
mod mirrors;
mod names;
mod overlap;
mod packing;
mod pipe;
mod repair;
mod rig;
mod schedule;
mod slow_disk;
mod small_file;
mod start_at;
mod state;
mod state_full;
mod still;
mod tus;
mod upload;
mod wall_clock;
mod way_back;
mod writes;
