//! Downloads: `GET` and `HEAD`.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    os::fd::OwnedFd,
    path::PathBuf,
    sync::Arc,
};

use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ropeway_model::ByteRange;
use rustix::{
    fs::{FileType, Mode, OFlags},
    io::Errno,
};

use super::{
    answer::Service,
    condition::{self, Current, Outcome},
    entity::{Entity, wall_clock},
    file_body::FileBody,
    path::ServedPath,
    range::{Wanted, content_range, unsatisfied_range},
    refusal::Refusal,
    throttle::{Direction, Throttle},
    upload::digest,
};

/// What stays as it is in an extended header parameter (RFC 8187 §3.2.1).
const EXTENDED_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Sends a file, a part of it, or only what would be sent.
pub(super) async fn send(
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
        insert(headers, HeaderName::from_static("repr-digest"), &digest::field_value(&digest));
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
            insert(headers, header::CONTENT_RANGE, &content_range(range, entity.length()));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            Some(range)
        }
        Wanted::Unsatisfiable => {
            insert(headers, header::CONTENT_RANGE, &unsatisfied_range(entity.length()));
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
    let mut fields = request.headers().get_all("want-repr-digest").iter().filter_map(|value| value.to_str().ok());
    let is_wanted = |member: &str| {
        let (key, weight) = member.split_once('=').unwrap_or((member, "1"));
        key.trim().eq_ignore_ascii_case("sha-256")
            && weight.split(';').next().is_some_and(|weight| weight.trim() != "0")
    };
    request.method() == Method::HEAD && fields.any(|value| value.split(',').any(is_wanted))
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

/// A whole file of the user's own, to be saved under `name`.
///
/// # Errors
/// If it cannot be opened, or is no regular file.
pub(crate) async fn offer_file(path: PathBuf, name: String) -> io::Result<Response<Body>> {
    let open = move || -> io::Result<_> {
        // Not waiting: what lies there now may be a pipe.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = rustix::fs::open(&path, flags, Mode::empty())?;
        let stat = rustix::fs::fstat(&file)?;
        let is_regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        if is_regular { Ok((file, Entity::of(&stat))) } else { Err(io::ErrorKind::InvalidInput.into()) }
    };
    let (file, entity) = tokio::task::spawn_blocking(open).await.map_err(io::Error::other)??;
    let unlimited = Throttle::new(None).bucket(Ipv4Addr::LOCALHOST.into(), Direction::Down);
    let mut response = Response::new(Body::new(FileBody::new(file, entity, None, unlimited)));
    response.headers_mut().insert(header::CONTENT_LENGTH, entity.length().into());
    describe(response.headers_mut(), &name);
    Ok(response)
}

/// Says what the file is, in a way that no browser runs it: it is somebody's upload, on an address others trust.
fn describe(headers: &mut HeaderMap, name: &str) {
    let kind = mime_guess::from_path(name).first_raw().unwrap_or("application/octet-stream");
    insert(headers, header::CONTENT_TYPE, kind);
    insert(headers, header::CONTENT_DISPOSITION, &attachment(name));
    insert(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    insert(headers, header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox");
}

/// `Content-Disposition` with the name for old clients and, if that had to be changed, for new ones (RFC 6266).
fn attachment(name: &str) -> String {
    let plain = |character: char| matches!(character, ' '..='~') && !matches!(character, '"' | '\\' | '%');
    let old: String = name.chars().map(|character| if plain(character) { character } else { '_' }).collect();
    let mut value = format!("attachment; filename=\"{old}\"");
    if old != name {
        value.push_str("; filename*=UTF-8''");
        value.extend(utf8_percent_encode(name, EXTENDED_VALUE));
    }
    value
}

/// Sets a header to a value that is visible ASCII by construction.
pub(super) fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    match HeaderValue::from_str(value) {
        Ok(value) => {
            headers.insert(name, value);
        }
        Err(error) => tracing::error!(header = %name, %error, "a header value of ours is malformed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_offered_under_its_own_name() {
        for (name, value) in [
            ("a b.iso", "attachment; filename=\"a b.iso\""),
            ("a\"b.iso", "attachment; filename=\"a_b.iso\"; filename*=UTF-8''a%22b.iso"),
            ("é.txt", "attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%A9.txt"),
            ("100%.txt", "attachment; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt"),
        ] {
            assert_eq!(attachment(name), value);
        }
    }
}
