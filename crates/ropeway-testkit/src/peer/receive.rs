//! Taking a request's body: the file of a `PUT`, or the files of a real multipart form.

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufStream};

use super::{Answer, Intake, Line, Record, Request, send};
use crate::pattern::hex;

/// Bytes of each received file that are kept for comparison; the rest is hashed and forgotten.
const KEPT: usize = 64 * 1024;

/// A file that arrived in a request's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedFile {
    /// The form field; empty for a `PUT`.
    pub field: String,
    /// The file name the form gave.
    pub name: Option<String>,
    /// Bytes in it.
    pub length: u64,
    /// SHA-256, in lower-case hexadecimal.
    pub sha256: String,
    /// Its first 64 KiB.
    pub start: Bytes,
}

/// Takes the body as the answer says; whether the connection lives on and wants the answer.
pub(super) async fn intake<S: Line>(
    stream: &mut BufStream<S>,
    request: &Request,
    answer: &Answer,
    record: &Record,
) -> bool {
    let limit = match answer.intake {
        Intake::Refused(_) => return true,
        Intake::Whole => u64::MAX,
        Intake::CutAfter(bytes, _) => bytes,
    };
    if request.header("Expect").is_some() {
        use tokio::io::AsyncWriteExt;
        if stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.is_err() || stream.flush().await.is_err() {
            return false;
        }
    }
    let chunked = request.header("Transfer-Encoding").is_some();
    let state = Body { stream: &mut *stream, left: request.content_length().unwrap_or(0), chunked, limit, taken: 0 };
    let body = stream::unfold(state, |mut body| async move {
        let piece = body.next().await?;
        Some((piece, body))
    })
    .inspect(|piece| {
        if let Ok(piece) = piece {
            record.change(|request| request.bytes_received += piece.len() as u64);
        }
    });
    let boundary = request.header("Content-Type").and_then(|value| multer::parse_boundary(value).ok());
    let received = match boundary {
        Some(boundary) => form(boundary, body).await,
        None => plain(body).await.map(|file| vec![file]),
    };
    let complete = received.is_ok() && limit == u64::MAX;
    let files = received.unwrap_or_default();
    record.change(|request| {
        request.files.clone_from(&files);
        request.body_complete = complete;
    });
    if let Intake::CutAfter(_, cut) = answer.intake {
        send::cut_off(stream, cut).await;
    }
    complete
}

async fn plain(body: impl Stream<Item = std::io::Result<Bytes>>) -> std::io::Result<ReceivedFile> {
    let mut body = std::pin::pin!(body);
    let mut file = Tally::default();
    while let Some(piece) = body.next().await {
        file.add(&piece?);
    }
    Ok(file.finish(String::new(), None))
}

async fn form(
    boundary: String,
    body: impl Stream<Item = std::io::Result<Bytes>> + Send,
) -> std::io::Result<Vec<ReceivedFile>> {
    let mut form = multer::Multipart::new(body, boundary);
    let mut files = Vec::new();
    while let Some(mut field) = form.next_field().await.map_err(std::io::Error::other)? {
        let mut file = Tally::default();
        let (name, file_name) = (field.name().unwrap_or_default().to_owned(), field.file_name().map(str::to_owned));
        while let Some(piece) = field.chunk().await.map_err(std::io::Error::other)? {
            file.add(&piece);
        }
        files.push(file.finish(name, file_name));
    }
    Ok(files)
}

#[derive(Default)]
struct Tally {
    hasher: Sha256,
    length: u64,
    start: BytesMut,
}

impl Tally {
    fn add(&mut self, piece: &[u8]) {
        self.hasher.update(piece);
        self.length += piece.len() as u64;
        self.start.extend_from_slice(&piece[..piece.len().min(KEPT - self.start.len())]);
    }

    fn finish(self, field: String, name: Option<String>) -> ReceivedFile {
        let sha256 = hex(&self.hasher.finalize());
        ReceivedFile { field, name, length: self.length, sha256, start: self.start.freeze() }
    }
}

/// A body with a length or in chunks, read up to a limit.
struct Body<'a, S: Line> {
    stream: &'a mut BufStream<S>,
    /// Octets left of the body, or of the chunk at hand.
    left: u64,
    chunked: bool,
    limit: u64,
    taken: u64,
}

impl<S: Line> Body<'_, S> {
    async fn next(&mut self) -> Option<std::io::Result<Bytes>> {
        if self.chunked && self.left == 0 {
            match self.chunk_length().await {
                Ok(0) => return None,
                Ok(length) => self.left = length,
                Err(error) => return Some(Err(error)),
            }
        }
        let want = self.left.min(self.limit - self.taken).min(64 * 1024);
        if want == 0 {
            return None;
        }
        let mut piece = BytesMut::zeroed(usize::try_from(want).unwrap());
        match self.stream.read(&mut piece).await {
            Ok(0) => Some(Err(std::io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => {
                piece.truncate(count);
                self.left -= count as u64;
                self.taken += count as u64;
                Some(Ok(piece.freeze()))
            }
            Err(error) => Some(Err(error)),
        }
    }

    async fn chunk_length(&mut self) -> std::io::Result<u64> {
        let mut line = String::new();
        // The line end of the chunk before it comes first.
        while line.trim().is_empty() {
            line.clear();
            if self.stream.read_line(&mut line).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        let length = u64::from_str_radix(line.trim(), 16).map_err(std::io::Error::other)?;
        if length == 0 {
            self.chunked = false;
            self.stream.read_line(&mut line).await?;
        }
        Ok(length)
    }
}
