//! The command line as a whole; each command's own flags stand with the command.

use clap::{ArgAction, Parser};

use crate::{complaint::Complaint, exit::Exit};

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

/// What `ropeway` can be told to do, as far as it was built to.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    #[cfg(feature = "queue")]
    #[command(flatten)]
    Once(crate::command::Once),
    #[cfg(feature = "serve")]
    Serve(crate::serve::Serve),
    #[cfg(feature = "queue")]
    #[command(flatten)]
    Lasting(crate::command::Lasting),
}

impl Command {
    /// Carries it out.
    ///
    /// # Errors
    /// [`Complaint`] if it could not be carried out at all.
    pub(crate) async fn run(self) -> Result<Exit, Complaint> {
        match self {
            #[cfg(feature = "queue")]
            Self::Once(command) => Ok(command.run().await?),
            #[cfg(feature = "serve")]
            Self::Serve(serve) => serve.run().await,
            #[cfg(feature = "queue")]
            Self::Lasting(command) => Ok(command.run().await?),
        }
    }
}

#[cfg(all(test, feature = "queue", feature = "serve"))]
mod tests;
