//! The answer to an upload: what was stored, and where.

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use ropeway_net::file::{Entity, insert, wall_clock};
use ropeway_wire::digest_field;
use serde::Serialize;

use super::draft::Received;

/// A file that is durably stored.
#[derive(Debug)]
pub(super) struct Stored {
    /// Its name.
    pub(super) name: String,
    /// The request target it can be downloaded from.
    pub(super) url: String,
    /// Its bytes.
    pub(super) received: Received,
    /// Its version.
    pub(super) entity: Entity,
}

/// A file in the answer's JSON.
#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    size: u64,
    sha256: String,
    url: &'a str,
}

impl Stored {
    fn shown(&self) -> Shown<'_> {
        Shown { name: &self.name, size: self.received.length, sha256: self.received.digest.hex(), url: &self.url }
    }
}

/// The answer to a `PUT`.
pub(super) fn one_stored(stored: &Stored, replaced: bool) -> Response<Body> {
    let status = if replaced { StatusCode::OK } else { StatusCode::CREATED };
    let mut response = json(status, &stored.shown());
    name_file(&mut response, stored);
    response
}

/// The answer to a form: a list, in the order of the form.
pub(super) fn all_stored(stored: &[Stored]) -> Response<Body> {
    let mut response = json(StatusCode::CREATED, &stored.iter().map(Stored::shown).collect::<Vec<_>>());
    if let [only] = stored {
        name_file(&mut response, only);
    }
    response
}

/// Headers about the one file that was stored.
fn name_file(response: &mut Response<Body>, stored: &Stored) {
    let headers = response.headers_mut();
    insert(headers, header::LOCATION, &stored.url);
    insert(headers, header::ETAG, &stored.entity.tag(wall_clock()));
    digest_field::tell(headers, &stored.received.digest);
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    let mut response = Response::new(Body::from(serde_json::to_vec(value).unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
