//! The web UI, held by the program itself.

use std::borrow::Cow;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use rust_embed::RustEmbed;

use crate::refusal::Refusal;

/// What `npm run build` makes of `ui/`; empty in a checkout where that has not happened.
#[derive(RustEmbed)]
#[folder = "$ROPEWAY_UI"]
#[allow_missing = true]
struct Page;

/// The page that is shown where there is none.
const NOT_BUILT: &str = include_str!("not_built.html");

/// Runs nothing but our own files and talks to nobody but us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// For files whose name changes with their content.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// For files that keep their name.
const NEVER: HeaderValue = HeaderValue::from_static("no-store");
/// Where the build puts files with a digest in their name.
const HASHED: &str = "assets/";
const INDEX: &str = "index.html";

/// Serves the page and its files. They hold no secret and need no token: that comes in the address's fragment, which
/// browsers keep to themselves.
pub(crate) async fn file(uri: Uri) -> Response {
    let path = match uri.path().trim_start_matches('/') {
        "" => INDEX,
        path => path,
    };
    let held = Page::get(path).map(|file| file.data);
    let Some(bytes) = held.or_else(|| (path == INDEX).then_some(Cow::Borrowed(NOT_BUILT.as_bytes()))) else {
        return Refusal::NotFound.into_response();
    };
    let kind = mime_guess::from_path(path).first_raw().unwrap_or("application/octet-stream");
    let mut response = Response::new(Body::from(bytes.into_owned()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, if path.starts_with(HASHED) { FOREVER } else { NEVER });
    response
}

/// What every answer of this server says to a browser.
pub(crate) fn harden(headers: &mut HeaderMap) {
    let always = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(NEVER);
}
