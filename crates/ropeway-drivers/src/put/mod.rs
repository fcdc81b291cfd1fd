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
use serde::{Deserialize, Serialize};

use crate::{
    Context, Driver, DriverError, OpenUpload, Part, PartBody, Sent, Session, SourceMeta, Stored, Upload,
    upload::{self, SizedBody},
};

/// Uploads by `PUT`.
#[derive(Clone, Copy, Debug, Default)]
pub struct PutDriver;

/// What is remembered of the target.
#[derive(Debug, Serialize, Deserialize)]
struct Put {
    accepts_pages: bool,
}

impl Driver for PutDriver {
    fn schemes(&self) -> &'static [&'static str] {
        &["http", "https"]
    }

    fn upload(&self) -> Option<&dyn Upload> {
        Some(self)
    }
}

#[async_trait]
impl Upload for PutDriver {
    /// Sends nothing: a `PUT` has no session.
    async fn open(
        &self,
        _context: &Context,
        to: &UploadTarget,
        source: &SourceMeta,
        _saved: Option<&Session>,
    ) -> Result<OpenUpload, DriverError> {
        let put = Put { accepts_pages: to.options().accepts_pages };
        upload::begin(to.url_for(&source.name), &put)
    }

    async fn send(
        &self,
        context: &Context,
        session: &Session,
        part: Part,
        body: &dyn PartBody,
    ) -> Result<Sent, DriverError> {
        let url = &session.url;
        let put: Put = upload::state_of(session)?;
        let body = SizedBody::new(Bytes::new(), body.bytes(), part.length, Bytes::new());
        let sending = body.sending();
        let suggested = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))]);
        let answer = upload::deliver(context, Method::PUT, url, suggested, HeaderMap::new(), body).await?;
        match answer.status() {
            // 201 says in so many words that the file was made, whatever page comes with it.
            status @ 200 if answer.is_page() && !put.accepts_pages => {
                Err(DriverError::PageInstead { url: url.clone(), status })
            }
            200 | 201 | 204 => answer.sent_whole(url, &sending, part),
            _ => Err(answer.refused(url)),
        }
    }

    async fn stored(&self, context: &Context, session: &Session) -> Option<Stored> {
        upload::stored_at(context, &session.url).await
    }
}
