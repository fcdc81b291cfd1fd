//! Why the server refuses before the engine is asked, in the shape of the engine's own refusals.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use ropeway_api::error::{ApiCode, ApiError};
use serde_json::json;

/// The closed list of refusals of the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The request was sent to a name that is not this machine's: a page is rebinding DNS.
    ForeignHost,
    /// The request does not say whom it is for, or says it twice.
    BadHost,
    /// A page of another site sends the request.
    ForeignOrigin,
    /// No token, or another one.
    BadToken,
    /// The body is not announced as JSON; a form could be posted by any page.
    NotJson,
    /// The body is larger than any call.
    TooLarge,
    /// The body ended early or is malformed.
    BodyCut,
    /// No such page.
    NotFound,
    /// Another method than the path's own.
    WrongMethod,
    /// No WebSocket handshake.
    NoWebSocket,
    /// More links to files than anybody follows.
    TooManyTickets,
    /// The finished file was moved or deleted.
    FileGone,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, message, hint) = match self {
            Self::ForeignHost => (
                StatusCode::FORBIDDEN,
                "FOREIGN_HOST",
                "this name is not the engine's address",
                "Open the address that the engine printed.",
            ),
            Self::BadHost => (
                StatusCode::BAD_REQUEST,
                "BAD_HOST",
                "the request does not say once whom it is for",
                "Send one Host header with the engine's address.",
            ),
            Self::ForeignOrigin => (
                StatusCode::FORBIDDEN,
                "FOREIGN_ORIGIN",
                "pages of other sites may not steer the engine",
                "Open the address that the engine printed.",
            ),
            Self::BadToken => (
                StatusCode::UNAUTHORIZED,
                "BAD_TOKEN",
                "the token is missing or not the engine's",
                "Open the whole address that the engine printed.",
            ),
            Self::NotJson => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "NOT_JSON",
                "calls are sent as application/json",
                "Set the Content-Type header.",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "CALL_TOO_LARGE",
                "the call is larger than the engine takes",
                "Add fewer jobs at a time.",
            ),
            Self::BodyCut => {
                (StatusCode::BAD_REQUEST, "BODY_CUT", "the call ended before it was whole", "Send the call again.")
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "NO_PAGE", "there is no such page", "Open the address's root."),
            Self::WrongMethod => {
                (StatusCode::METHOD_NOT_ALLOWED, "WRONG_METHOD", "this path takes another method", "Use the page.")
            }
            Self::TooManyTickets => (
                StatusCode::TOO_MANY_REQUESTS,
                "TOO_MANY_TICKETS",
                "more files are being saved than the engine hands out at once",
                "Wait a minute, then save the file again.",
            ),
            Self::FileGone => (
                StatusCode::NOT_FOUND,
                "FILE_GONE",
                "the file is not there any more",
                "It was moved or deleted after the transfer; download it again.",
            ),
            Self::NoWebSocket => {
                (StatusCode::BAD_REQUEST, "NO_WEBSOCKET", "events are sent over a WebSocket", "Use the page.")
            }
        };
        let mut response =
            (status, axum::Json(json!({ "code": code, "message": message, "hint": hint }))).into_response();
        if self == Self::BadToken {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The engine's refusal as a response.
pub(crate) fn of_engine(error: &ApiError) -> Response {
    let status = match error.code {
        ApiCode::UnknownCall | ApiCode::NotFound => StatusCode::NOT_FOUND,
        ApiCode::BadParams => StatusCode::BAD_REQUEST,
        ApiCode::WrongPhase => StatusCode::CONFLICT,
        ApiCode::Unsupported => StatusCode::NOT_IMPLEMENTED,
        ApiCode::StateFailed => StatusCode::INTERNAL_SERVER_ERROR,
        ApiCode::ShuttingDown => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, axum::Json(error)).into_response()
}
