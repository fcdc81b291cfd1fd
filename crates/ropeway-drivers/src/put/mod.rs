//! Uploads by one streaming `PUT` (RFC 9110 §9.3.4).
//!
//! The request carries the exact `Content-Length` and streams with constant memory. It does not say
//! `Expect: 100-continue`: many servers never answer it, and waiting for them would slow every upload down, while a
//! server that refuses is heard at once either way, since the answer is read while the body is being sent. A redirect is
//! not followed, since it comes when the body is under way; its target is named to the user.

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header::CONTENT_TYPE};
use ropeway_model::UploadTarget;

use crate::{
    Capability, Close, Context, Driver, DriverError, Order, Part, PartBody, PartReceipt, Session, SourceMeta, Upload,
    upload::{self, SizedBody},
};

/// Uploads by `PUT`.
#[derive(Clone, Copy, Debug, Default)]
pub struct PutDriver;

impl Driver for PutDriver {
    fn capability(&self) -> Capability {
        Capability {
            ranges: false,
            resumes_uploads: false,
            part_order: Order::Sequential,
            part_size: None,
            parts_in_flight: 1,
        }
    }

    fn upload(&self) -> Option<&dyn Upload> {
        Some(self)
    }
}

#[async_trait]
impl Upload for PutDriver {
    /// Sends nothing: a `PUT` has no session, and one that broke off begins anew.
    async fn open(
        &self,
        _context: &Context,
        to: &UploadTarget,
        source: &SourceMeta,
        _saved: Option<Session>,
    ) -> Result<Session, DriverError> {
        Ok(Session { url: to.url_for(&source.name), acknowledged: 0, state: serde_json::Value::Null })
    }

    async fn send(
        &self,
        context: &Context,
        session: &Session,
        part: Part,
        body: PartBody,
    ) -> Result<PartReceipt, DriverError> {
        assert!(part.offset == 0, "a PUT carries the whole file, so its only part starts at 0");
        let url = &session.url;
        let body = SizedBody::new(Bytes::new(), body, part.length, Bytes::new());
        let suggested = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))]);
        let response = upload::deliver(context, Method::PUT, url, suggested, HeaderMap::new(), body).await?;
        match response.status().as_u16() {
            200 | 201 | 204 => Ok(upload::receipt(url, &response)),
            _ => Err(upload::refused(url, &response)),
        }
    }

    /// Sends nothing: the file is final with the answer to its `PUT`, and a server drops one that was cut.
    async fn close(&self, _context: &Context, _session: Session, _how: Close) -> Result<(), DriverError> {
        Ok(())
    }
}
