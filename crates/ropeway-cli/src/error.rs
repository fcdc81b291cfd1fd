//! Why a command of the queue could not do its work at all; a single job's failure is a result, not an error.

use std::{io, path::PathBuf};

use ropeway_api::{
    OpenError,
    error::{ApiCode, ApiError},
};
use ropeway_control::{ClientError, ControlError};
use ropeway_files::FoldersError;

use crate::{
    complaint::{Complaint, SystemRefused},
    exit::Exit,
};

/// A command's refusal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The command line contradicts itself in a way that clap cannot see.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// The next step.
        hint: &'static str,
    },
    /// A list of URLs cannot be read.
    #[error("the list {} cannot be read: {cause}", list.display())]
    List {
        /// The list.
        list: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// A file cannot be read.
    #[error("{} cannot be read: {cause}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// The running queue did not say what became of everything it was given.
    #[error("the answer tells of {told} of {}", ropeway_model::counted(*given, "input"))]
    Unaccounted {
        /// Addresses or files.
        given: usize,
        /// New jobs and refusals.
        told: usize,
    },
    /// There is no folder to work in.
    #[error("the current folder is gone: {cause}")]
    NoCurrentFolder {
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// The state folders cannot be used.
    #[error(transparent)]
    Folders(#[from] FoldersError),
    /// The queue cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The engine refused a call.
    #[error(transparent)]
    Call(#[from] ApiError),
    /// The page cannot be served.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The running queue cannot be reached.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The engine answered with something else than its contract says.
    #[error("the engine's answer is not of the expected shape: {reason}")]
    Answer {
        /// What does not fit.
        reason: String,
    },
    /// The process got no threads or no signal handlers.
    #[error(transparent)]
    System(#[from] SystemRefused),
}

impl CommandError {
    /// A contradiction in the command line with the next step.
    pub(crate) fn usage(message: impl Into<String>, hint: &'static str) -> Self {
        Self::Usage { message: message.into(), hint }
    }

    /// The code scripts match on.
    fn code(&self) -> String {
        match self {
            Self::Usage { .. } => "BAD_USAGE".to_owned(),
            Self::List { .. } => "LIST_UNREADABLE".to_owned(),
            Self::File { .. } => "FILE_UNREADABLE".to_owned(),
            Self::NoCurrentFolder { .. } => "NO_CURRENT_FOLDER".to_owned(),
            Self::Folders(_) | Self::Open(OpenError::Unusable { .. }) => "STATE_FAILED".to_owned(),
            Self::Open(OpenError::InUse { .. }) => "QUEUE_IN_USE".to_owned(),
            Self::Call(error) => api_code(error.code),
            Self::Control(error) => error.code().to_owned(),
            Self::Client(error) => error.code().to_owned(),
            Self::Answer { .. } | Self::Unaccounted { .. } => "INTERNAL".to_owned(),
            Self::System(_) => SystemRefused::CODE.to_owned(),
        }
    }

    /// The user's next step, one sentence.
    fn hint(&self) -> &str {
        match self {
            Self::Usage { hint, .. } => hint,
            Self::List { .. } => "Give a readable file with one URL a line, or - for standard input.",
            Self::File { .. } => "Check the path and its permissions.",
            Self::NoCurrentFolder { .. } => "Change to a folder that exists, or name one with --dir.",
            Self::Unaccounted { .. } => "Look at `ropeway list`, then add what is missing.",
            Self::Folders(error) => error.hint(),
            Self::Open(error) => error.hint(),
            Self::Call(error) => &error.hint,
            Self::Control(error) => error.hint(),
            Self::Client(error) => error.hint(),
            Self::Answer { .. } => "Use the same version of ropeway on both sides.",
            Self::System(_) => SystemRefused::HINT,
        }
    }

    /// Its text for the user.
    pub(crate) fn complaint(&self) -> Complaint {
        Complaint { message: self.to_string(), code: self.code(), hint: self.hint().to_owned(), exit: self.exit() }
    }

    /// What the process ends with.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } | Self::List { .. } => Exit::BadUsage,
            Self::Call(error) if error.code == ApiCode::BadParams => Exit::BadUsage,
            _ => Exit::Failed,
        }
    }
}

impl From<CommandError> for Complaint {
    fn from(error: CommandError) -> Self {
        error.complaint()
    }
}

/// The code as it is on the wire.
fn api_code(code: ApiCode) -> String {
    match serde_json::to_value(code) {
        Ok(serde_json::Value::String(text)) => text,
        _ => format!("{code:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_value_is_bad_usage_and_a_missing_job_is_a_failure() {
        let refused = |code| CommandError::Call(ApiError::new(code, "No.", "Try another."));
        assert_eq!(
            (refused(ApiCode::BadParams).exit(), refused(ApiCode::NotFound).exit()),
            (Exit::BadUsage, Exit::Failed)
        );
        assert_eq!(refused(ApiCode::NotFound).code(), "NOT_FOUND");
    }
}
