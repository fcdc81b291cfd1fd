//! Parts that the drivers for uploads share. They are the body, the meaning of its answer, and what is stored.

mod body;
mod inquiry;
mod sending;
mod words;

use std::time::Duration;

use http::{
    HeaderMap, Method,
    header::{CONTENT_LENGTH, LOCATION},
};
use reqwest::Response;
use ropeway_model::SafeUrl;
use ropeway_wire::digest_field::WANT_REPR_DIGEST;
use serde::{Serialize, de::DeserializeOwned};

pub(crate) use body::SizedBody;
pub(crate) use inquiry::stored_at;
pub(crate) use sending::Sending;
pub use words::ServerWords;

use crate::{
    Context, DriverError, Held, Layout, OpenUpload, Part, Patience, Receipt, Sent, Session, Turn,
    http::{announced, coding, page, redirect},
    send,
};

/// Octets of an answer that are read: a receipt or a reason has a few hundred.
const LONGEST_ANSWER: usize = 64 * 1024;
/// Longest wait for them once the head is there; the answer stands without them.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// The answer to an upload.
pub(crate) struct Answer {
    response: Response,
    /// The beginning of its body.
    body: Vec<u8>,
    /// Whether that is all of it.
    is_whole: bool,
}

/// Begins an upload in one request. Nothing is sent, and one that broke off begins anew. `state` is what the request
/// needs besides the bytes.
pub(crate) fn begin(url: SafeUrl, state: &impl Serialize) -> Result<OpenUpload, DriverError> {
    let session = Session { state: remembered(&url, state)?, url, expires: None, is_created: false };
    Ok(OpenUpload { session, layout: Layout::Whole, held: Held::Nothing })
}

/// Session of an upload to `url`, as a driver has it stored.
pub(crate) fn remembered(url: &SafeUrl, state: &impl Serialize) -> Result<serde_json::Value, DriverError> {
    serde_json::to_value(state).map_err(|wrong| send::error::bad(url, wrong.to_string()))
}

/// State that a driver remembers of an upload.
pub(crate) fn state_of<T: DeserializeOwned>(session: &Session) -> Result<T, DriverError> {
    serde_json::from_value(session.state.clone())
        .map_err(|wrong| send::error::bad(&session.url, format!("the saved upload is unreadable: {wrong}")))
}

/// Sends `body` and returns the answer, whatever its status. `suggested` gives way to the user's headers, `fields` does
/// not.
///
/// # Errors
/// [`DriverError::Body`] where the source failed, whatever became of the request then; [`DriverError::Silent`] where
/// the other side neither takes bytes nor answers.
pub(crate) async fn deliver(
    context: &Context,
    method: Method,
    url: &SafeUrl,
    mut suggested: HeaderMap,
    mut fields: HeaderMap,
    body: SizedBody,
) -> Result<Answer, DriverError> {
    let sending = body.sending();
    fields.insert(CONTENT_LENGTH, body.length().into());
    suggested.insert(WANT_REPR_DIGEST.0, WANT_REPR_DIGEST.1);
    let answered = tokio::select! {
        answered = send::send(context, method, url, (&suggested, &fields), Some(body)) => answered,
        (turn, waited) = sending.overdue() => Err(DriverError::Silent { host: url.host(), turn, waited_s: waited.as_secs() }),
    };
    let response = sending.failure().map_or(answered, Err)?;
    Answer { response, body: Vec::new(), is_whole: false }.with_body(context).await
}

/// Sends a request without a body and returns the answer. Its status may be any. The user's headers go along.
///
/// # Errors
/// [`DriverError::Silent`] where no answer begins within two minutes.
pub(crate) async fn ask(
    context: &Context,
    method: Method,
    url: &SafeUrl,
    fields: &HeaderMap,
) -> Result<Answer, DriverError> {
    let patience = Patience::chosen().silence.unwrap_or(send::HEAD_TIMEOUT);
    let suggested = HeaderMap::new();
    let answered = send::send(context, method, url, (&suggested, fields), None);
    let answered = tokio::time::timeout(patience, answered).await;
    let silent = |_| DriverError::Silent { host: url.host(), turn: Turn::Answer, waited_s: patience.as_secs() };
    let answer = Answer { response: answered.map_err(silent)??, body: Vec::new(), is_whole: false };
    answer.with_body(context).await
}

impl Answer {
    /// The status code.
    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// The same with the beginning of its body. One that breaks off or does not end takes nothing from what the head says.
    async fn with_body(mut self, context: &Context) -> Result<Self, DriverError> {
        let reading = tokio::time::timeout(ANSWER_PATIENCE, self.read());
        context.cancel.run_until_cancelled(reading).await.ok_or(DriverError::Canceled)?.unwrap_or_default();
        Ok(self)
    }

    async fn read(&mut self) {
        loop {
            match self.response.chunk().await {
                Ok(Some(chunk)) if self.body.len() + chunk.len() <= LONGEST_ANSWER => {
                    self.body.extend_from_slice(&chunk);
                }
                Ok(None) => {
                    self.is_whole = true;
                    return;
                }
                Ok(Some(_)) | Err(_) => return,
            }
        }
    }

    /// True where it is a web page. Programs that forget to label what they answer label it so, too.
    pub(crate) fn is_page(&self) -> bool {
        page::is_page(self.response.headers(), &self.body)
    }

    /// Its head's fields.
    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The acknowledgement of `part`, which is the whole file.
    ///
    /// # Errors
    /// [`DriverError::AnsweredEarly`] if the server cannot have it yet.
    pub(crate) fn sent_whole(self, url: &SafeUrl, sending: &Sending, part: Part) -> Result<Sent, DriverError> {
        Ok(Sent { held: Held::Prefix(part.length), session: None, receipt: self.receipt(url, sending)? })
    }

    /// What it says of the stored file.
    fn receipt(self, url: &SafeUrl, sending: &Sending) -> Result<Receipt, DriverError> {
        if !sending.has_finished() {
            return Err(DriverError::AnsweredEarly { url: url.clone(), status: self.status() });
        }
        let headers = self.response.headers();
        let named = headers.get(LOCATION).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
        let location = named.and_then(|location| url.expose().join(location).ok()).map(SafeUrl::from);
        Ok(Receipt {
            evidence: announced::of_stored(headers),
            location: location.or_else(|| Some(url.clone())),
            answer: self.is_whole.then_some(self.body),
            is_compared: false,
        })
    }

    /// The error of an answer that acknowledges nothing.
    ///
    /// A redirect comes when the body is under way, and the body can be sent only once: its target is named to the
    /// user.
    pub(crate) fn refused(&self, url: &SafeUrl) -> DriverError {
        match redirect::target(url, &self.response, false) {
            Err(refused) => refused,
            Ok(None) => match send::error::of_status(url.clone(), &self.response) {
                DriverError::Status { url, status, retry_after, .. } => {
                    let words = ServerWords::read(coding::media_type(self.response.headers()), &self.body);
                    DriverError::Status { url, status, retry_after, words: Some(Box::new(words)) }
                }
                other => other,
            },
            Ok(Some(next)) => {
                let reason = format!("the upload to {next}; use that address as the target");
                DriverError::RedirectRefused { url: url.clone(), reason }
            }
        }
    }
}
