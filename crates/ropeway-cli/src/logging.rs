//! The log on stderr, for those who ask for it.

use std::{env, io};

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
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
}
