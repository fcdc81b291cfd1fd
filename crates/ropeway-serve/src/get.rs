//! Downloads: `GET` and `HEAD`.

use std::{net::SocketAddr, os::fd::OwnedFd, sync::Arc};

use axum::body::Body;
use http::{Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use ropeway_model::{Algorithm, ByteRange};
use ropeway_net::{
    file::{Entity, FileBody, describe, insert, wall_clock},
    throttle::Direction,
};
use ropeway_wire::{
    condition::{self, Current, Outcome},
    content_range::{self, ContentRange},
    digest_field,
    range::Wanted,
};
use rustix::io::Errno;

use crate::{answer::Service, path::ServedPath, refusal::Refusal};

/// Sends a file, a part of it, or only what would be sent.
pub(crate) async fn send(
    service: &Arc<Service>,
    peer: SocketAddr,
    request: &Request<Incoming>,
) -> Result<Response<Body>, Refusal> {
    // What has no plain path does not exist, whatever is wrong with it.
    let path = ServedPath::parse(request.uri().path(), service.hidden).map_err(|_| Refusal::NotFound)?;
    let (file, entity, name) = open(service, path).await?;
    let digest = if wants_digest(request) {
        match file.try_clone() {
            Ok(file) => service.digests.of(file, entity).await,
            Err(_) => None,
        }
    } else {
        None
    };
    let now = wall_clock();
    let tag = entity.tag(now);
    let current = Current { tag: &tag, modified: entity.last_modified(now), now };
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    insert(headers, header::ETAG, &tag);
    insert(headers, header::LAST_MODIFIED, &httpdate::fmt_http_date(current.modified));
    insert(headers, header::ACCEPT_RANGES, "bytes");
    if let Some(digest) = digest {
        digest_field::tell(headers, &digest);
    }
    // Stored copies are fine as long as they are asked about: the file may change at any moment.
    insert(headers, header::CACHE_CONTROL, "no-cache");
    match condition::evaluate(request.method(), request.headers(), Some(&current)) {
        Outcome::NotModified => {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(response);
        }
        Outcome::Failed => return Err(Refusal::PreconditionFailed),
        Outcome::Proceed => {}
    }
    let range = match wanted(request, &current, entity.length()) {
        Wanted::Whole => None,
        Wanted::Part(range) => {
            insert(headers, header::CONTENT_RANGE, &ContentRange { range, length: Some(entity.length()) }.to_string());
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            Some(range)
        }
        Wanted::Unsatisfiable => {
            insert(headers, header::CONTENT_RANGE, &content_range::unsatisfied(entity.length()));
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            return Ok(response);
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, range.map_or(entity.length(), ByteRange::len).into());
    describe(headers, &name);
    if request.method() == Method::GET {
        let bucket = service.throttle.bucket(peer.ip(), Direction::Down);
        *response.body_mut() = Body::new(FileBody::new(file, entity, range, bucket));
    }
    Ok(response)
}

/// Opens the file on a thread that may wait for the disk.
async fn open(service: &Arc<Service>, path: ServedPath) -> Result<(OwnedFd, Entity, String), Refusal> {
    let root = Arc::clone(&service.root);
    let opened = tokio::task::spawn_blocking(move || {
        let open = |path: &ServedPath| {
            let name = path.name().ok_or(Errno::NOENT)?.to_owned();
            let (file, stat) = root.descend(path.folders())?.open_file(&name)?;
            Ok((file, Entity::of(&stat), name))
        };
        // What was uploaded has composed names; what the owner put there may have others.
        let composed = path.composed();
        let found = open(&path);
        if matches!(found, Err(Errno::NOENT)) && composed != path { open(&composed) } else { found }
    });
    opened.await.map_err(|_| Refusal::DiskFailed)?.map_err(Refusal::of_reading)
}

/// Whether the client asks for the digest of the whole file (RFC 9530 §4). Only with `HEAD`: who fetches the bytes can
/// take it from them.
fn wants_digest(request: &Request<Incoming>) -> bool {
    request.method() == Method::HEAD && digest_field::is_wanted(request.headers(), Algorithm::Sha256)
}

/// What the request asks of the file. `Range` has a meaning for `GET` only (RFC 9110 §14.2).
fn wanted(request: &Request<Incoming>, current: &Current<'_>, length: u64) -> Wanted {
    let mut ranges = request.headers().get_all(header::RANGE).iter();
    match (ranges.next().and_then(|value| value.to_str().ok()), ranges.next()) {
        (Some(value), None)
            if request.method() == Method::GET && condition::range_allowed(request.headers(), current) =>
        {
            Wanted::of(value, length)
        }
        _ => Wanted::Whole,
    }
}
