//! Status codes of HTTP (RFC 9110 §15), as failures.

use std::time::Duration;

use ropeway_model::FailureCode;

/// Meaning of a status, whatever was asked.
pub(crate) const fn code_of_status(status: u16, retry_after: Option<Duration>) -> FailureCode {
    match (status, retry_after) {
        (401 | 407, _) => FailureCode::Unauthorized,
        // A refusal that says when to come back is a count of requests.
        (403, Some(_)) | (408 | 425 | 429, _) => FailureCode::RateLimited,
        (403, None) => FailureCode::Forbidden,
        (404, _) => FailureCode::NotFound,
        (410, _) => FailureCode::Gone,
        // The network itself wants a login first (RFC 6585 §6).
        (511, _) => FailureCode::UnexpectedContent,
        // What the server cannot do at all it cannot do later either.
        (501 | 505..=508 | 510, _) => FailureCode::RequestRefused,
        (500..=599, _) => FailureCode::ServerUnavailable,
        _ => FailureCode::RequestRefused,
    }
}
