//! Requests as they arrive.

use std::time::Instant;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

use super::ReceivedFile;

/// Longest request head in bytes; no honest client of ours sends more.
const LONGEST_HEAD: usize = 64 * 1024;

/// One request, and what became of it.
#[derive(Clone, Debug)]
pub struct Request {
    /// Counted from one over all connections of the peer.
    pub number: usize,
    /// Answers that were being sent to others when its head had arrived.
    pub beside: usize,
    /// The connection it came on, counted from one over all connections that spoke.
    pub connection: usize,
    /// Its place on that connection, counted from one.
    pub place: usize,
    /// The version of HTTP it came in.
    pub version: http::Version,
    /// The method.
    pub method: String,
    /// The path with its query, as sent; through a proxy the whole address.
    pub path: String,
    /// The header fields, as sent.
    pub headers: Vec<(String, String)>,
    /// When its head had arrived.
    pub at: Instant,
    /// Octets of the body that were received.
    pub bytes_received: u64,
    /// Whether the announced body arrived to its end.
    pub body_complete: bool,
    /// The files in the body: one of a `PUT`, one per file field of a form.
    pub files: Vec<ReceivedFile>,
    /// Octets of the answer's body that were given to the network.
    pub bytes_sent: u64,
}

impl Request {
    /// The first header field of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(had, _)| had.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The wanted bytes as `[start, end)`, with no end for `bytes=a-`; `None` without a plain `Range`.
    pub fn range(&self) -> Option<(u64, Option<u64>)> {
        let (start, end) = self.header("Range")?.strip_prefix("bytes=")?.split_once('-')?;
        let end = if end.is_empty() { None } else { Some(end.parse::<u64>().ok()? + 1) };
        Some((start.parse().ok()?, end))
    }

    /// The announced length of the body; `None` without one.
    pub fn content_length(&self) -> Option<u64> {
        self.header("Content-Length")?.parse().ok()
    }
}

/// The next request's head; `None` once the client is gone or speaks nonsense.
pub(super) async fn read(stream: &mut (impl AsyncBufRead + Unpin)) -> Option<Request> {
    let mut head = String::new();
    loop {
        let before = head.len();
        let count = stream.read_line(&mut head).await.ok()?;
        if count == 0 || head.len() > LONGEST_HEAD {
            return None;
        }
        if head[before..].trim().is_empty() && before > 0 {
            break;
        }
    }
    let mut lines = head.lines();
    let mut start = lines.next()?.split(' ');
    let (method, path) = (start.next()?.to_owned(), start.next()?.to_owned());
    let field = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    let mut request = empty(method, path);
    request.headers = lines.filter_map(field).collect();
    Some(request)
}

/// A request in HTTP/1.1 without fields.
pub(super) fn empty(method: String, path: String) -> Request {
    Request {
        number: 0,
        beside: 0,
        connection: 0,
        place: 0,
        version: http::Version::HTTP_11,
        method,
        path,
        headers: Vec::new(),
        at: Instant::now(),
        bytes_received: 0,
        body_complete: false,
        files: Vec::new(),
        bytes_sent: 0,
    }
}
