//! Why a command did not do its work, as its user is told.

use std::io;

use crate::{
    exit::Exit,
    terminal::{failure_text, to_stderr},
};

/// A command's refusal: what, under which code, the next step, and what the process ends with.
#[derive(Debug)]
pub(crate) struct Complaint {
    pub(crate) message: String,
    pub(crate) code: String,
    pub(crate) hint: String,
    pub(crate) exit: Exit,
}

impl Complaint {
    /// Prints it to stderr.
    pub(crate) fn print(&self) {
        to_stderr(&failure_text("ropeway", &self.code, &self.message, &self.hint));
    }

    /// Output that was not taken whole.
    pub(crate) fn of_output(cause: &io::Error) -> Self {
        Self {
            message: format!("the output cannot be written: {cause}"),
            code: "OUTPUT_FAILED".to_owned(),
            hint: "Make room where the output goes, then run the command again.".to_owned(),
            exit: Exit::Failed,
        }
    }
}

/// Refusal of the system to give threads or signal handlers.
#[derive(Debug, thiserror::Error)]
#[error("the system refuses what every program needs: {0}")]
pub(crate) struct SystemRefused(#[from] io::Error);

impl SystemRefused {
    /// The code scripts match on.
    pub(crate) const CODE: &str = "SYSTEM_REFUSED";
    /// The user's next step, one sentence.
    pub(crate) const HINT: &str = "Check the limits on threads and open files (ulimit -a).";
}

impl From<SystemRefused> for Complaint {
    fn from(refused: SystemRefused) -> Self {
        Self {
            message: refused.to_string(),
            code: SystemRefused::CODE.to_owned(),
            hint: SystemRefused::HINT.to_owned(),
            exit: Exit::Failed,
        }
    }
}
