//! The head of an answer to a request of an upload.

use futures_util::stream;
use http::{
    Method, Response,
    header::{CONTENT_LENGTH, LOCATION, RETRY_AFTER},
};
use ropeway_drivers::TransportBody;

/// An answer, and what it tells the client.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    pub(super) after: Option<u64>,
    fields: Vec<(&'static str, String)>,
    /// The session and the bytes that the server has of it.
    pub(super) tells: Option<(usize, u64)>,
    /// Acknowledgement of all bytes that came with the request.
    pub(super) is_receipt: bool,
}

impl Answer {
    pub(super) fn error(status: u16, after: Option<u64>) -> Self {
        Self { status, after, fields: Vec::new(), tells: None, is_receipt: false }
    }

    /// The list of extensions that the server offers.
    pub(super) fn offers(extensions: &str) -> Self {
        let mut answer = Self::error(204, None);
        answer.fields.push(("tus-extension", extensions.to_owned()));
        answer.fields.push(("tus-checksum-algorithm", "sha256".to_owned()));
        answer
    }

    /// Success that tells what the server has of a session.
    pub(super) fn offset(method: &Method, session: usize, offset: u64, length: u64) -> Self {
        let mut answer = Self::error(if *method == Method::HEAD { 200 } else { 204 }, None);
        answer.fields.push(("upload-offset", offset.to_string()));
        answer.fields.push(("upload-length", length.to_string()));
        answer.tells = Some((session, offset));
        answer
    }

    /// Success of a request that made a session.
    pub(super) fn created(session: usize, offset: u64) -> Self {
        let mut answer = Self::error(201, None);
        // Relative to the address it was created at.
        answer.fields.push((LOCATION.as_str(), session.to_string()));
        answer.fields.push(("upload-offset", offset.to_string()));
        answer.tells = Some((session, offset));
        answer
    }

    /// The file is there, whole.
    pub(super) fn stored(session: usize, length: u64) -> Self {
        Self { tells: Some((session, length)), ..Self::error(201, None) }
    }

    /// The length of a file.
    pub(super) fn length(length: usize) -> Self {
        let mut answer = Self::error(200, None);
        answer.fields.push((CONTENT_LENGTH.as_str(), length.to_string()));
        answer.fields.push(("accept-ranges", "bytes".to_owned()));
        answer
    }

    pub(super) fn response(self) -> Response<TransportBody> {
        let mut head = Response::builder().status(self.status).header("tus-resumable", "1.0.0");
        if let Some(seconds) = self.after {
            head = head.header(RETRY_AFTER, seconds.to_string());
        }
        let head = self.fields.iter().fold(head, |head, (name, value)| head.header(*name, value));
        head.body(Box::pin(stream::empty()) as TransportBody).expect("a head of plain fields")
    }
}
