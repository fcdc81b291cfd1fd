//! What the refusal of an input means for the end of the process.

use ropeway_api::command::{ALREADY_ADDED, LEFT_OUT, Refusal};
use ropeway_model::FailureCode;

use crate::exit::Exit;

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
