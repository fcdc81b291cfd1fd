//! What the process tells its caller at the end. Scripts depend on these numbers.

use std::process::ExitCode;

use ropeway_api::command::{ALREADY_ADDED, LEFT_OUT, Refusal};
use ropeway_model::FailureCode;

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

impl Exit {
    /// What a refused input is: a mistyped address is bad usage, a file that is not there is a failure like any other.
    /// What is in the list already needs no second job, and what is no file has nothing to send.
    pub(crate) fn of_refusal(refusal: &Refusal) -> Self {
        if [ALREADY_ADDED, LEFT_OUT].contains(&refusal.code.as_str()) {
            return Self::Complete;
        }
        let mistyped = [FailureCode::UrlMalformed, FailureCode::SchemeUnsupported];
        if mistyped.iter().any(|code| code.code() == refusal.code) { Self::BadUsage } else { Self::Failed }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
