//! Uploads by one streaming `multipart/form-data` POST (RFC 7578). A browser's form sends them so.

mod multipart;

use async_trait::async_trait;
use http::{HeaderMap, Method, header::CONTENT_TYPE};
use ropeway_model::{Retry, UploadName, UploadProtocol, UploadTarget};
use serde::{Deserialize, Serialize};

use multipart::Multipart;

use crate::{
    Context, Driver, DriverError, OpenUpload, Part, PartBody, Sent, Session, SourceMeta, Upload,
    upload::{self, SizedBody},
};

/// Uploads by multipart POST.
#[derive(Clone, Copy, Debug, Default)]
pub struct FormDriver;

/// What the request must say beside the bytes.
#[derive(Debug, Serialize, Deserialize)]
struct Form {
    field: String,
    name: UploadName,
}

impl Driver for FormDriver {
    fn schemes(&self) -> &'static [&'static str] {
        &["form+http", "form+https"]
    }

    fn upload(&self) -> Option<&dyn Upload> {
        Some(self)
    }
}

#[async_trait]
impl Upload for FormDriver {
    /// Sends nothing: a form has no session.
    async fn open(
        &self,
        _context: &Context,
        to: &UploadTarget,
        source: &SourceMeta,
        _saved: Option<&Session>,
    ) -> Result<OpenUpload, DriverError> {
        let UploadProtocol::Form { field } = to.protocol() else {
            return Err(DriverError::SchemeUnsupported { scheme: to.url().expose().scheme().to_owned() });
        };
        let form = Form { field: field.clone(), name: source.name.clone() };
        upload::begin(to.url_for(&source.name), &form)
    }

    /// # Errors
    /// [`DriverError::Unconfirmed`] for whatever comes between the last byte and a clear answer, a failure of the server
    /// among it: a POST is not idempotent, so nobody but the user may send it again (RFC 9110 §9.2.2).
    async fn send(
        &self,
        context: &Context,
        session: &Session,
        part: Part,
        body: &dyn PartBody,
    ) -> Result<Sent, DriverError> {
        let url = &session.url;
        let form: Form = upload::state_of(session)?;
        let form = Multipart::new(&form.field, form.name.octets(), url)?;
        let body = SizedBody::new(form.before, body.bytes(), part.length, form.behind);
        let sending = body.sending();
        // The boundary is in it, so the user's word for the content type cannot stand.
        let fields = HeaderMap::from_iter([(CONTENT_TYPE, form.content_type)]);
        let answered = upload::deliver(context, Method::POST, url, HeaderMap::new(), fields, body).await;
        let outcome = answered.and_then(|answer| match answer.status() {
            // 303 says that the form was processed and where to look at the result (RFC 9110 §15.4.4).
            200 | 201 | 204 | 303 => answer.sent_whole(url, &sending, part),
            _ => Err(answer.refused(url)),
        });
        outcome.map_err(|error| if sending.has_finished() { unconfirmed(error) } else { error })
    }

    /// A form may be an order: nobody but the user gives it twice.
    fn is_repeatable(&self) -> bool {
        false
    }
}

/// What an error means once the whole form has been sent: whatever would be tried again may have been processed, unless
/// the server itself says to come back.
fn unconfirmed(error: DriverError) -> DriverError {
    let asks_again = matches!(error, DriverError::Status { status: 429 | 503, retry_after: Some(_), .. });
    if asks_again || matches!(error, DriverError::Canceled) || error.retry() == Retry::Never {
        return error;
    }
    DriverError::Unconfirmed { cause: Box::new(error) }
}
