//! Black-box tests: the real program `ropeway` against real servers and hostile ones, on loopback only.
//!
//! Build the program first (`cargo build --package ropeway-cli`); `cargo xtask test` does both. Tests whose names begin
//! with `heavy_` run one at a time (`.config/nextest.toml`).

#![expect(clippy::unwrap_used, reason = "a test's surroundings that cannot be built end the test")]
#![expect(clippy::disallowed_methods, reason = "tests lay out files of their own")]
#![expect(clippy::print_stdout, reason = "what a failed test has to tell: its seed, what this machine lacks")]

mod answer;
mod architecture;
mod change;
mod crash;
mod download;
mod fault;
mod faults;
#[cfg(target_os = "linux")]
mod floods;
mod ipc_parity;
mod killed_often;
mod limit;
mod lists;
#[cfg(target_os = "linux")]
mod memory;
mod nearer;
#[cfg(target_os = "linux")]
mod open_page;
mod own_files;
mod queue;
mod reach;
mod renew;
mod resume;
mod secrets;
mod servers;
mod service;
mod settings;
mod shared_connection;
mod stream;
mod support;
mod tus;
mod upload;
mod upload_crash;
mod verify;
mod words;
