//! Resumable uploads by tus 1.0.0.
//!
//! An upload is created by `POST`, appended to by `PATCH` at the offset that the server names, and asked for that offset
//! by `HEAD`. Of the extensions these are used where they are offered: creation-with-upload for small files, checksum,
//! expiration, termination.

mod features;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use ropeway_model::{Algorithm, FailureCode, SafeUrl, UploadName, UploadTarget};
use ropeway_wire::tus::{
    self as wire, Features, LocationError, PART_TYPE, RESUMABLE, UPLOAD_CHECKSUM, UPLOAD_LENGTH, UPLOAD_METADATA,
    UPLOAD_OFFSET, VERSION,
};
use serde::{Deserialize, Serialize};

use self::features::Known;
use crate::{
    Blame, Context, Driver, DriverError, Held, Layout, OpenUpload, Part, PartBody, Receipt, Sent, Session, SourceMeta,
    Upload, send,
    upload::{self, Answer, SizedBody},
};

/// Longest wait for what the server offers: it is only asked to do better.
const OPTIONS_TIMEOUT: Duration = Duration::from_secs(10);
/// Smallest part that is worth a request.
const LEAST_PART: u64 = 64 << 10;
/// Largest part where a checksum goes ahead of each: it is read twice, and sent again whole where it came damaged.
const MOST_COMPARED: u64 = 64 << 20;
/// Largest file that comes with its creation: what breaks off before the answer is lost with the upload's address.
const MOST_WITH_CREATION: u64 = 1 << 20;
/// Status of a part whose bytes do not have the checksum that was sent with it.
const CHECKSUM_MISMATCH: u16 = 460;

/// Uploads by tus.
#[derive(Debug, Default)]
pub struct TusDriver {
    known: Known,
}

/// What is remembered of an upload.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Tus {
    length: u64,
    /// The name, where the first part creates the upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<UploadName>,
    /// Name of the checksum that each part is sent with.
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<Algorithm>,
}

impl Driver for TusDriver {
    fn schemes(&self) -> &'static [&'static str] {
        &["tus+http", "tus+https"]
    }

    fn upload(&self) -> Option<&dyn Upload> {
        Some(self)
    }
}

#[async_trait]
impl Upload for TusDriver {
    /// # Errors
    /// [`DriverError::ExceedsLimit`] where the server takes no upload of that size, before a byte of it is sent.
    async fn open(
        &self,
        context: &Context,
        to: &UploadTarget,
        source: &SourceMeta,
        saved: Option<&Session>,
    ) -> Result<OpenUpload, DriverError> {
        if let Some(saved) = saved {
            return resume(context, to, source, saved).await;
        }
        let endpoint = to.url();
        let features = self.features(context, endpoint).await?;
        if let Some(most) = features.max_size.filter(|most| source.length > *most) {
            return Err(DriverError::ExceedsLimit { url: endpoint.clone(), most });
        }
        let mut tus = Tus { length: source.length, name: None, checksum: features.checksum };
        if features.creation_with_upload && (1..=MOST_WITH_CREATION).contains(&source.length) {
            tus.name = Some(source.name.clone());
            let state = upload::remembered(endpoint, &tus)?;
            let session = Session { url: endpoint.clone(), state, expires: None, is_created: false };
            return Ok(OpenUpload { session, layout: tus.layout(), held: Held::Nothing });
        }
        let fields = creation(&source.name, source.length);
        // As a body, though it has no byte: a request without one is taken to ask only, and may be sent twice.
        let nothing = SizedBody::new(Bytes::new(), Box::pin(futures_util::stream::empty()), 0, Bytes::new());
        let answer = upload::deliver(context, Method::POST, endpoint, HeaderMap::new(), fields, nothing).await?;
        if answer.status() != 201 {
            return Err(not_created(&answer, endpoint));
        }
        let session = created(endpoint, answer.headers(), &tus)?;
        Ok(OpenUpload { session, layout: tus.layout(), held: Held::Prefix(0) })
    }

    async fn send(
        &self,
        context: &Context,
        session: &Session,
        part: Part,
        body: &dyn PartBody,
    ) -> Result<Sent, DriverError> {
        let tus: Tus = upload::state_of(session)?;
        let mut fields = HeaderMap::from_iter([(CONTENT_TYPE, PART_TYPE), (RESUMABLE, VERSION)]);
        let mut is_compared = false;
        if let Some(algorithm) = tus.checksum {
            let digest = body.digest(algorithm).await.map_err(DriverError::Body)?;
            let checksum = wire::checksum(&digest);
            is_compared = checksum.is_some();
            fields.extend(checksum.map(|checksum| (UPLOAD_CHECKSUM, checksum)));
        }
        let method = if let Some(name) = &tus.name {
            fields.extend(creation(name, tus.length));
            Method::POST
        } else {
            fields.insert(UPLOAD_OFFSET, part.offset.into());
            Method::PATCH
        };
        let bytes = SizedBody::new(Bytes::new(), body.bytes(), part.length, Bytes::new());
        let sending = bytes.sending();
        let answer = upload::deliver(context, method, &session.url, HeaderMap::new(), fields, bytes).await?;
        let session = match (&tus.name, answer.status()) {
            (None, 200 | 204) => Session { expires: wire::expires(answer.headers()), ..session.clone() },
            // Whatever became of the bytes: the upload is there.
            (Some(_), 201) => created(&session.url, answer.headers(), &Tus { name: None, ..tus.clone() })?,
            (None, _) => return Err(refused(&answer, &session.url)),
            (Some(_), _) => return Err(not_created(&answer, &session.url)),
        };
        let held = if let Some(offset) = wire::offset(answer.headers()) {
            part.acknowledged(&session.url, offset)?
        } else {
            // A server that creates and takes no bytes with it, or does not say. What it has then is no word on the part.
            is_compared = false;
            offset(context, &session, &tus).await?
        };
        if held == part.offset + part.length && !sending.has_finished() {
            return Err(DriverError::AnsweredEarly { url: session.url, status: answer.status() });
        }
        let receipt = Receipt { is_compared, ..Receipt::default() };
        Ok(Sent { held: Held::Prefix(held), session: Some(session), receipt })
    }

    /// Ends the upload (termination); a server without it forgets the upload in its own time.
    async fn abort(&self, context: &Context, session: &Session) -> Result<(), DriverError> {
        if !session.is_created {
            return Ok(());
        }
        let answer = upload::ask(context, Method::DELETE, &session.url, &said()).await?;
        match answer.status() {
            200..=299 | 404 | 405 | 410 | 501 => Ok(()),
            _ => Err(refused(&answer, &session.url)),
        }
    }
}

impl TusDriver {
    /// What the server offers; nothing where it does not answer the question.
    ///
    /// # Errors
    /// The refusal of a server that has no time for anybody: it is no word on what it offers.
    async fn features(&self, context: &Context, endpoint: &SafeUrl) -> Result<Features, DriverError> {
        if let Some(known) = self.known.get(endpoint) {
            return Ok(known);
        }
        let fields = HeaderMap::new();
        let asked = tokio::time::timeout(OPTIONS_TIMEOUT, upload::ask(context, Method::OPTIONS, endpoint, &fields));
        let features = match asked.await {
            Ok(Ok(answer)) if matches!(answer.status(), 200 | 204) => Features::read(answer.headers()),
            Ok(Ok(answer)) if matches!(answer.status(), 429 | 503) => return Err(answer.refused(endpoint)),
            // Who does not know the method closes, or says nothing: whether anybody is there shows the next request.
            Ok(Ok(_)) | Err(_) => Features::default(),
            Ok(Err(error)) if error.blame() == Blame::Broken && error.code() != FailureCode::ConnectionRefused => {
                Features::default()
            }
            Ok(Err(error)) => return Err(error),
        };
        self.known.put(endpoint, features);
        Ok(features)
    }
}

impl Tus {
    const fn layout(&self) -> Layout {
        let most = if self.checksum.is_some() { MOST_COMPARED } else { u64::MAX };
        Layout::Append { part: LEAST_PART..=most }
    }
}

impl Part {
    /// Takes the server's word for the offset behind the part.
    ///
    /// # Errors
    /// [`DriverError::BadResponse`] where it lies outside of the part.
    fn acknowledged(self, url: &SafeUrl, offset: u64) -> Result<u64, DriverError> {
        if offset < self.offset || offset > self.offset + self.length {
            let Self { offset: start, length } = self;
            return Err(bad(url, format!("after {length} bytes at {start} it says that it has {offset}")));
        }
        Ok(offset)
    }
}

/// Asks what the server has of a saved upload.
async fn resume(
    context: &Context,
    to: &UploadTarget,
    source: &SourceMeta,
    saved: &Session,
) -> Result<OpenUpload, DriverError> {
    let tus: Tus = upload::state_of(saved)?;
    let session = Session { url: to.url().with_login_of_its_own(saved.url.expose().clone()), ..saved.clone() };
    let held =
        offset(context, &session, &Tus { length: source.length, name: Some(source.name.clone()), ..tus.clone() })
            .await?;
    Ok(OpenUpload { layout: tus.layout(), held: Held::Prefix(held), session })
}

/// Asks for the offset of an upload.
///
/// # Errors
/// [`DriverError::SessionLost`] where the server knows no such upload, or it is one of another length or name.
async fn offset(context: &Context, session: &Session, tus: &Tus) -> Result<u64, DriverError> {
    let mut fields = said();
    // A cache on the way would tell of what was there before.
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let answer = upload::ask(context, Method::HEAD, &session.url, &fields).await?;
    let lost = || DriverError::SessionLost { url: session.url.clone() };
    match (answer.status(), wire::offset(answer.headers())) {
        (200 | 204, Some(offset)) => {
            let has_other_length = wire::length(answer.headers()).is_some_and(|told| told != tus.length);
            let named = wire::file_name(answer.headers()).zip(tus.name.as_ref());
            let has_other_name = named.is_some_and(|(told, own)| told != own.octets());
            let is_of_another = has_other_length || has_other_name || offset > tus.length;
            if is_of_another { Err(lost()) } else { Ok(offset) }
        }
        (200 | 204, None) => Err(bad(&session.url, "it does not say how many bytes of the upload it has")),
        (403, None) => Err(lost()),
        _ => Err(refused(&answer, &session.url)),
    }
}

/// Fields that every request but `OPTIONS` carries.
fn said() -> HeaderMap {
    HeaderMap::from_iter([(RESUMABLE, VERSION)])
}

/// Fields of a creation.
fn creation(name: &UploadName, length: u64) -> HeaderMap {
    let mut fields = said();
    fields.insert(UPLOAD_LENGTH, length.into());
    let media_type = mime_guess::from_path(&*name.text()).first_raw();
    fields.insert(UPLOAD_METADATA, wire::metadata(name, media_type));
    fields
}

/// The upload that an answer to a creation tells of.
fn created(endpoint: &SafeUrl, headers: &HeaderMap, tus: &Tus) -> Result<Session, DriverError> {
    let url = wire::location(endpoint, headers).map_err(|error| match error {
        LocationError::Unusable => bad(endpoint, error.to_string()),
        LocationError::Downgrade(_) => {
            DriverError::RedirectRefused { url: endpoint.clone(), reason: error.to_string() }
        }
    })?;
    Ok(Session { state: upload::remembered(&url, tus)?, url, expires: wire::expires(headers), is_created: true })
}

/// The error of an answer to a creation that creates nothing.
fn not_created(answer: &Answer, endpoint: &SafeUrl) -> DriverError {
    match answer.status() {
        412 => bad(endpoint, "it speaks another version of tus than 1.0.0"),
        200..=299 => bad(endpoint, "it creates no uploads: it is no tus server, or another address of one"),
        _ => answer.refused(endpoint),
    }
}

/// The error of an answer about an upload that acknowledges nothing.
fn refused(answer: &Answer, url: &SafeUrl) -> DriverError {
    match answer.status() {
        404 | 410 => DriverError::SessionLost { url: url.clone() },
        409 => DriverError::OffsetMoved { url: url.clone() },
        412 => bad(url, "it speaks another version of tus than 1.0.0"),
        423 => DriverError::UploadBusy { url: url.clone() },
        CHECKSUM_MISMATCH => DriverError::DamagedOnTheWay { url: url.clone() },
        _ => answer.refused(url),
    }
}

fn bad(url: &SafeUrl, reason: impl Into<String>) -> DriverError {
    send::error::bad(url, reason)
}
