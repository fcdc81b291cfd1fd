//! The log on stderr, for those who ask for it.

use std::{
    env,
    io::{self, IsTerminal as _},
};

use tracing_subscriber::EnvFilter;

/// The variable that names what to log, as everywhere in Rust.
const FILTER_VARIABLE: &str = "RUST_LOG";

/// Starts the log if `RUST_LOG` or `-v` asks for it; else nothing is set up and a span costs one atomic load.
pub(crate) fn start(verbosity: u8) {
    let filter = match (env::var(FILTER_VARIABLE), verbosity) {
        (Ok(filter), _) if !filter.is_empty() => EnvFilter::new(filter),
        (_, 0) => return,
        (_, 1) => EnvFilter::new("ropeway=info,warn"),
        (_, 2) => EnvFilter::new("ropeway=debug,info"),
        (_, _) => EnvFilter::new("ropeway=trace,debug"),
    };
    // Escape sequences are of use to a terminal alone (https://no-color.org).
    let has_colours = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(has_colours).init();
}
