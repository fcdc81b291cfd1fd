//! Inquiry about a stored file, without fetching it.

use std::time::Duration;

use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, LAST_MODIFIED, RANGE},
};
use reqwest::Response;
use ropeway_model::SafeUrl;
use ropeway_wire::{content_length, content_range, digest_field::WANT_REPR_DIGEST};

use crate::{
    Context, DriverError, Patience, Stored,
    client::Connection,
    http::{announced, coding},
    send,
};

/// Longest wait for each answer: the file has been sent, and this is asked only to be sure. A server that takes the
/// digest anew reads the whole file first.
const PATIENCE: Duration = Duration::from_secs(60);
/// Media types of answers that some programs give to whatever they are asked.
const OF_PROGRAMS: [&str; 3] = ["text/html", "application/json", "application/problem+json"];

/// Stored file at `url`. `None` where the server does not tell, or tells it of something else.
pub(crate) async fn stored_at(context: &Context, url: &SafeUrl) -> Option<Stored> {
    let asked = async {
        let response = head(context, url).await.ok()?;
        match response.status() {
            StatusCode::OK => Some(of_whole(&response)).filter(|_| is_of_a_file(&response)),
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {
                of_part(&first_octet(context, url).await.ok()?)
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => Some(Stored::Nothing),
            _ => None,
        }
    };
    let patience = Patience::chosen().silence.map_or(PATIENCE, |silence| silence.min(PATIENCE));
    let answered = tokio::time::timeout(patience, asked).await.ok()??;
    tracing::debug!(%url, ?answered, "asked what is stored");
    Some(answered)
}

async fn head(context: &Context, url: &SafeUrl) -> Result<Response, DriverError> {
    send::send(context, Method::HEAD, url, (&HeaderMap::new(), &fields()), None).await
}

/// The smallest thing to ask for where a server does not answer `HEAD`: with it comes the length of the whole.
async fn first_octet(context: &Context, url: &SafeUrl) -> Result<Response, DriverError> {
    let mut fields = fields();
    fields.insert(RANGE, HeaderValue::from_static("bytes=0-0"));
    let min_scope = context.clients.min_scope(&context.origin, url, &context.network).await;
    send::get(context, url, &fields, Connection::Own, min_scope).await
}

/// A cache on the way would tell of what was there before.
fn fields() -> HeaderMap {
    HeaderMap::from_iter([
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (http::HeaderName::from_static(WANT_REPR_DIGEST.0), WANT_REPR_DIGEST.1),
    ])
}

fn of_whole(response: &Response) -> Stored {
    let headers = response.headers();
    let length = content_length::announced(headers).ok().flatten();
    Stored::File { length, evidence: announced::of_stored(headers) }
}

fn of_part(response: &Response) -> Option<Stored> {
    match response.status() {
        StatusCode::OK if is_of_a_file(response) => Some(of_whole(response)),
        StatusCode::NOT_FOUND | StatusCode::GONE => Some(Stored::Nothing),
        StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
            let length = content_range::complete_length(response.headers())?;
            Some(Stored::File { length: Some(length), evidence: Vec::new() })
        }
        _ => None,
    }
}

/// Whether the answer is about a stored file, and not what a program says to every request: it tells a version, or it
/// is of a kind and a length that no such program answers with. What is coded on the way has another length.
fn is_of_a_file(response: &Response) -> bool {
    let headers = response.headers();
    if headers.contains_key(CONTENT_ENCODING) {
        return false;
    }
    let tells_a_version = [ETAG, LAST_MODIFIED, ACCEPT_RANGES].iter().any(|name| headers.contains_key(name));
    let media_type = coding::media_type(headers);
    let is_of_a_program = OF_PROGRAMS.iter().any(|program| program.eq_ignore_ascii_case(media_type));
    tells_a_version || (!is_of_a_program && headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0"))
}

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_RANGE, CONTENT_TYPE};

    use super::*;

    #[test]
    fn what_a_program_says_to_every_request_tells_nothing_of_a_file() {
        let file = |length| Some(Stored::File { length: Some(length), evidence: Vec::new() });
        for (status, fields, expected) in [
            (200, &[(CONTENT_TYPE, "text/html"), (CONTENT_LENGTH, "9")][..], None),
            (200, &[(CONTENT_LENGTH, "0")], None),
            (200, &[(CONTENT_LENGTH, "9"), (CONTENT_ENCODING, "gzip")], None),
            (200, &[(CONTENT_LENGTH, "9")], file(9)),
            (200, &[(CONTENT_TYPE, "text/html"), (CONTENT_LENGTH, "9"), (ACCEPT_RANGES, "bytes")], file(9)),
            (206, &[(CONTENT_RANGE, "bytes 0-0/9")], file(9)),
            (416, &[(CONTENT_RANGE, "bytes */0")], file(0)),
            (410, &[], Some(Stored::Nothing)),
            (403, &[(CONTENT_LENGTH, "9")], None),
        ] {
            let mut answer = http::Response::builder().status(status);
            for (name, value) in fields {
                answer = answer.header(name, *value);
            }
            let stored = of_part(&Response::from(answer.body("").unwrap()));
            assert_eq!(format!("{stored:?}"), format!("{expected:?}"), "{status} {fields:?}");
        }
    }
}
