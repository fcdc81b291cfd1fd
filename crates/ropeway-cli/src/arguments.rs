//! The command line as a whole; each command's own flags stand with the command.

use clap::{ArgAction, Parser};

use crate::command::Command;

/// A transfer manager: downloads and uploads that never lose a byte and never claim one they do not have.
#[derive(Debug, Parser)]
#[command(name = "ropeway", version, propagate_version = true, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct CommandLine {
    /// Log what happens to stderr; twice for more (`RUST_LOG` chooses in detail)
    #[arg(short, long, action = ArgAction::Count, global = true, display_order = 900)]
    pub(crate) verbose: u8,

    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 all complete and verified, 1 a job failed (its code and hint are on stderr), \
                          2 bad usage, 130 interrupted and resumable.\n\n\
                          Settings: settings.toml in ROPEWAY_CONFIG_DIR or ~/.config/ropeway.";

#[cfg(test)]
mod tests;
