//! Why a call was refused.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A refused call, as every transport carries it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, thiserror::Error)]
#[error("{message}")]
#[ts(export)]
pub struct ApiError {
    /// What kind of refusal.
    pub code: ApiCode,
    /// What happened, one sentence, without secrets.
    pub message: String,
    /// The caller's next step, one sentence.
    pub hint: String,
}

/// The kinds of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[ts(export)]
pub enum ApiCode {
    /// No call of this name.
    UnknownCall,
    /// The parameters are not of the call's shape, or a value is out of its limits.
    BadParams,
    /// No job or target with this number.
    NotFound,
    /// The job is in a phase that this call makes no sense in.
    WrongPhase,
    /// This host cannot do that.
    Unsupported,
    /// The durable queue or the settings file could not be written.
    StateFailed,
    /// The engine is shutting down.
    ShuttingDown,
}

impl ApiError {
    /// Parameters that cannot be used, with the reason.
    pub fn bad_params(message: impl Into<String>) -> Self {
        Self::new(ApiCode::BadParams, message, "Correct the request and try again.")
    }

    /// A refusal with its sentence and the next step.
    pub fn new(code: ApiCode, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: hint.into() }
    }
}
