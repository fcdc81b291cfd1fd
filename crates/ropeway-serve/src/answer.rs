//! One request in, one response out.

use std::{convert::Infallible, sync::Arc};

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts, uri::Authority};
use hyper::body::Incoming;
use ropeway_flow::shares::Shares;
use ropeway_net::{
    host::{HostFault, Hosts},
    throttle::{Direction, Throttle},
    visit::Visit,
};
use tokio_util::task::TaskTracker;

use crate::{
    digests::Digests,
    folder::Folder,
    get,
    path::Hidden,
    refusal::Refusal,
    upload::{UploadBody, form, place::NameLocks, put},
};

/// What `Allow` says.
pub(crate) const METHODS: &str = "GET, HEAD, OPTIONS, POST, PUT";

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) root: Arc<Folder>,
    pub(crate) hosts: Hosts,
    pub(crate) throttle: Throttle,
    /// Permission bits of finished uploads.
    pub(crate) file_mode: rustix::fs::Mode,
    pub(crate) overwrite: bool,
    pub(crate) max_upload: Option<u64>,
    pub(crate) read_only: bool,
    pub(crate) hidden: Hidden,
    /// Held while a name is published.
    pub(crate) names: NameLocks,
    pub(crate) digests: Digests,
    pub(crate) batches: Shares,
    /// Refused uploads that are still read so that the client gets to see why.
    pub(crate) lingering: TaskTracker,
}

/// Answers a request. Never fails: what goes wrong is an answer too.
pub(crate) async fn answer(
    service: Arc<Service>,
    visit: Arc<Visit>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    visit.stay();
    let outcome = dispatch(&service, &visit, request).await;
    let mut response = outcome.unwrap_or_else(Refusal::response);
    if method == Method::HEAD {
        // Whatever it is, only its head is sent; the length stays that of the GET (RFC 9110 §9.3.2).
        *response.body_mut() = Body::empty();
    }
    response.headers_mut().insert(header::SERVER, HeaderValue::from_static("ropeway"));
    tracing::info!(peer = %visit.peer(), %method, path, status = response.status().as_u16(), "answered");
    Ok(response)
}

async fn dispatch(
    service: &Arc<Service>,
    visit: &Arc<Visit>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refusal> {
    let host = service.hosts.admit(&request).map_err(|fault| match fault {
        HostFault::Malformed => Refusal::BadHost,
        HostFault::Foreign => Refusal::ForeignHost,
    })?;
    match *request.method() {
        Method::GET | Method::HEAD => get::send(service, visit.peer(), &request).await,
        Method::PUT | Method::POST => {
            let (head, body) = request.into_parts();
            let bucket = service.throttle.bucket(visit.peer().ip(), Direction::Up);
            let mut body = UploadBody::new(body, &head.headers, bucket, Arc::clone(visit));
            let outcome = receive(service, &head, host.as_ref(), &mut body).await;
            if outcome.is_err() {
                service.lingering.spawn(body.linger());
            }
            outcome
        }
        Method::OPTIONS => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(METHODS));
            Ok(response)
        }
        _ => Err(Refusal::MethodNotAllowed),
    }
}

async fn receive(
    service: &Arc<Service>,
    head: &Parts,
    host: Option<&Authority>,
    body: &mut UploadBody,
) -> Result<Response<Body>, Refusal> {
    may_upload(service, host, &head.headers)?;
    if head.method == Method::PUT {
        put::receive(service, head, body).await
    } else {
        form::receive(service, head, body).await
    }
}

/// Whether anything may be received, judged before a byte of the body is asked for.
///
/// Browsers let any page post a form anywhere, but say whose page it is: only our own may.
fn may_upload(service: &Service, host: Option<&Authority>, headers: &HeaderMap) -> Result<(), Refusal> {
    if service.read_only {
        return Err(Refusal::ReadOnly);
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let own = |scheme: &str| host.is_some_and(|host| origin.as_bytes() == format!("{scheme}://{host}").as_bytes());
    if own("http") || own("https") { Ok(()) } else { Err(Refusal::ForeignOrigin) }
}
