//! What the process tells its caller at the end. Scripts depend on these numbers.

use std::process::ExitCode;

/// The exit codes of `ropeway`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Every job is complete and verified, every wish was carried out.
    Complete = 0,
    /// A job failed or a wish was refused; its code and hint are on stderr.
    Failed = 1,
    /// The command line makes no sense; clap uses the same number.
    BadUsage = 2,
    /// Stopped by a signal; what was moved is kept and the same command goes on with it.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
