//! A file as an answer: its bytes, its version, and what a browser is told of it.

mod block;
mod body;
mod entity;

use std::{io, net::Ipv4Addr, path::PathBuf};

use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use ropeway_wire::content_disposition;
use rustix::fs::{FileType, Mode, OFlags};

pub use self::{
    body::FileBody,
    entity::{Entity, wall_clock},
};
use crate::throttle::{Direction, Throttle};

/// A whole file of the user's own, to be saved under `name`.
///
/// # Errors
/// If it cannot be opened, or is no regular file.
pub async fn offer(path: PathBuf, name: String) -> io::Result<Response<Body>> {
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
pub fn describe(headers: &mut HeaderMap, name: &str) {
    let kind = mime_guess::from_path(name).first_raw().unwrap_or("application/octet-stream");
    insert(headers, header::CONTENT_TYPE, kind);
    insert(headers, header::CONTENT_DISPOSITION, &content_disposition::attachment(name));
    insert(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    insert(headers, header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox");
}

/// Sets a header to a value that is visible ASCII by construction.
pub fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    match HeaderValue::from_str(value) {
        Ok(value) => {
            headers.insert(name, value);
        }
        Err(error) => tracing::error!(header = %name, %error, "a header value of ours is malformed"),
    }
}
