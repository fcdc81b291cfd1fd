//! A tus 1.0 server that keeps what it takes in memory and breaks as it is told.

use std::{net::Ipv4Addr, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use super::{Request, request};

/// Octets of a body that are read at once.
const STEP: usize = 64 * 1024;

/// What the server offers.
#[derive(Clone, Debug, Default)]
pub struct TusOffer {
    /// `Tus-Extension`; with `checksum` the server compares SHA-256.
    pub extensions: &'static str,
    /// `Tus-Max-Size`.
    pub max_size: Option<u64>,
    /// Largest body of a request, as a proxy before the server has it: 413.
    pub largest_body: Option<u64>,
    /// `Upload-Expires`.
    pub expires: Option<&'static str>,
}

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TusFault {
    /// What the protocol says.
    None,
    /// The body is taken to its end, and this status is the answer.
    Status(u16),
    /// All is done, and the connection breaks in the place of the answer.
    LostAnswer,
    /// So many octets of the body are kept, then the connection breaks.
    Cut(u64),
    /// The body is read and nothing of it kept, then the connection breaks: a proxy that gathers bodies.
    Gathered,
    /// So many octets of the body are kept, and the answer says so.
    Short(u64),
    /// Every upload is forgotten first.
    Forget,
    /// A bit of the body is turned on the way.
    Damage,
    /// All is done, and the answer does not say the offset.
    Unsaid,
    /// The offset is said to be this.
    Claims(u64),
    /// The name that is told is another file's.
    OtherName,
    /// The body is kept, and this status is the answer.
    Refused(u16),
    /// The connection breaks in the place of an answer, and nothing is done.
    HangUp,
}

/// An upload as the server has it.
#[derive(Clone, Debug, Default)]
pub struct TusUpload {
    /// `Upload-Length`.
    pub length: u64,
    /// `Upload-Metadata` as it came.
    pub metadata: String,
    /// What has come.
    pub bytes: Vec<u8>,
}

type Script = dyn Fn(&Request) -> TusFault + Send + Sync;

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    uploads: Vec<Option<TusUpload>>,
}

#[derive(Clone)]
struct Desk {
    offer: TusOffer,
    script: Arc<Script>,
    state: Arc<Mutex<State>>,
}

/// A running server on a loopback port.
pub struct TusServer {
    port: u16,
    state: Arc<Mutex<State>>,
    listening: JoinHandle<()>,
}

impl TusServer {
    /// Starts a server; `script` sees every request before its body is read.
    pub async fn start(offer: TusOffer, script: impl Fn(&Request) -> TusFault + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::default();
        let desk = Desk { offer, script: Arc::new(script), state: Arc::clone(&state) };
        let listening = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(desk.clone().converse(stream));
            }
        });
        Self { port, state, listening }
    }

    /// The upload target.
    pub fn target(&self) -> String {
        format!("tus+http://127.0.0.1:{}/files/", self.port)
    }

    /// Every request so far, in the order in which their heads arrived.
    pub fn requests(&self) -> Vec<Request> {
        self.state.lock().requests.clone()
    }

    /// Methods of the requests so far.
    pub fn methods(&self) -> Vec<String> {
        self.state.lock().requests.iter().map(|request| request.method.clone()).collect()
    }

    /// Octets of bodies that were read so far.
    pub fn received(&self) -> u64 {
        self.state.lock().requests.iter().map(|request| request.bytes_received).sum()
    }

    /// The uploads in the order of their creation; `None` for those that were ended or forgotten.
    pub fn uploads(&self) -> Vec<Option<TusUpload>> {
        self.state.lock().uploads.clone()
    }
}

impl Drop for TusServer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// The answer to a request.
struct Reply {
    status: u16,
    fields: Vec<(&'static str, String)>,
}

fn reply(status: u16) -> Reply {
    Reply { status, fields: Vec::new() }
}

impl Reply {
    fn with<T: ToString + ?Sized>(mut self, name: &'static str, value: &T) -> Self {
        self.fields.push((name, value.to_string()));
        self
    }
}

impl Desk {
    async fn converse(self, stream: TcpStream) {
        stream.set_nodelay(true).unwrap();
        let mut stream = BufStream::new(stream);
        while let Some(mut request) = request::read(&mut stream).await {
            let place = {
                let mut state = self.state.lock();
                request.number = state.requests.len() + 1;
                state.requests.push(request.clone());
                state.requests.len() - 1
            };
            let fault = (self.script)(&request);
            let kept = match fault {
                TusFault::Cut(octets) => octets,
                _ => u64::MAX,
            };
            if fault == TusFault::HangUp {
                return;
            }
            let (mut body, is_whole) = self.take(&mut stream, &request, place, kept).await;
            if !is_whole {
                // As much as has come is kept.
                self.carry_out(&request, body, fault);
                return;
            }
            if fault == TusFault::Damage && !body.is_empty() {
                body[0] ^= 1;
            }
            let answer = self.carry_out(&request, body, fault);
            if matches!(fault, TusFault::LostAnswer | TusFault::Cut(_) | TusFault::Gathered) {
                return;
            }
            let mut head = format!("HTTP/1.1 {} Answer\r\nTus-Resumable: 1.0.0\r\n", answer.status);
            for (name, value) in &answer.fields {
                head.extend([*name, ": ", value, "\r\n"]);
            }
            if answer.status != 204 {
                head.push_str("Content-Length: 0\r\n");
            }
            head.push_str("\r\n");
            if stream.write_all(head.as_bytes()).await.is_err() || stream.flush().await.is_err() {
                return;
            }
        }
    }

    /// Reads the body up to `most` octets, and tells whether that is all of it.
    async fn take(
        &self,
        stream: &mut BufStream<TcpStream>,
        request: &Request,
        place: usize,
        most: u64,
    ) -> (Vec<u8>, bool) {
        let length = request.content_length().unwrap_or(0);
        let mut body = Vec::new();
        while (body.len() as u64) < length.min(most) {
            let left = usize::try_from(length.min(most)).unwrap() - body.len();
            let mut piece = vec![0; left.min(STEP)];
            let count = stream.read(&mut piece).await.unwrap_or(0);
            body.extend_from_slice(&piece[..count]);
            self.state.lock().requests[place].bytes_received = body.len() as u64;
            if count == 0 {
                break;
            }
        }
        let is_whole = body.len() as u64 == length;
        self.state.lock().requests[place].body_complete = is_whole;
        (body, is_whole)
    }

    fn carry_out(&self, request: &Request, body: Vec<u8>, fault: TusFault) -> Reply {
        let mut state = self.state.lock();
        if fault == TusFault::Forget {
            state.uploads.iter_mut().for_each(|upload| *upload = None);
        }
        if let TusFault::Status(status) = fault {
            return reply(status);
        }
        if self.offer.largest_body.is_some_and(|most| request.content_length().unwrap_or(0) > most) {
            return reply(413);
        }
        let number = request.path.strip_prefix("/files/").and_then(|number| number.parse::<usize>().ok());
        match (request.method.as_str(), number) {
            ("OPTIONS", _) => self.offered(),
            ("POST", _) => self.create(&mut state, request, &body),
            (_, None) => reply(404),
            (method, Some(number)) => match state.uploads.get_mut(number) {
                Some(slot @ Some(_)) if method == "DELETE" => {
                    *slot = None;
                    reply(204)
                }
                Some(Some(upload)) if method == "HEAD" => {
                    let (metadata, offset) = match fault {
                        TusFault::Claims(offset) => (upload.metadata.clone(), offset),
                        TusFault::OtherName => ("filename b3RoZXI=".to_owned(), upload.bytes.len() as u64),
                        _ => (upload.metadata.clone(), upload.bytes.len() as u64),
                    };
                    let answer = reply(200).with("Upload-Offset", &offset).with("Upload-Length", &upload.length);
                    answer.with("Upload-Metadata", &metadata)
                }
                Some(Some(upload)) => self.append(upload, request, body, fault),
                _ => reply(404),
            },
        }
    }

    fn offered(&self) -> Reply {
        let answer = reply(204).with("Tus-Version", "1.0.0").with("Tus-Extension", &self.offer.extensions);
        let answer = answer.with("Tus-Checksum-Algorithm", "sha1,sha256");
        match self.offer.max_size {
            Some(most) => answer.with("Tus-Max-Size", &most),
            None => answer,
        }
    }

    fn create(&self, state: &mut State, request: &Request, body: &[u8]) -> Reply {
        let length = request.header("Upload-Length").and_then(|length| length.parse().ok());
        let Some(length) = length else { return reply(400) };
        let metadata = request.header("Upload-Metadata").unwrap_or_default().to_owned();
        let takes_body = self.offer.extensions.contains("creation-with-upload");
        let bytes = if takes_body { body.to_vec() } else { Vec::new() };
        let offset = bytes.len();
        state.uploads.push(Some(TusUpload { length, metadata, bytes }));
        let answer = reply(201).with("Location", &format!("/files/{}", state.uploads.len() - 1));
        let answer = if takes_body && !body.is_empty() { answer.with("Upload-Offset", &offset) } else { answer };
        self.expiring(answer)
    }

    fn append(&self, upload: &mut TusUpload, request: &Request, mut body: Vec<u8>, fault: TusFault) -> Reply {
        let offset = request.header("Upload-Offset").and_then(|offset| offset.parse::<u64>().ok());
        if request.header("Content-Type") != Some("application/offset+octet-stream") {
            return reply(415);
        }
        if offset != Some(upload.bytes.len() as u64) {
            return reply(409);
        }
        if fault == TusFault::Gathered {
            return reply(204);
        }
        // A server that keeps the beginning of a part has nothing to compare it with.
        let checksum = request.header("Upload-Checksum").filter(|_| !matches!(fault, TusFault::Cut(_)));
        if let Some(checksum) = checksum {
            let expected = format!("sha256 {}", STANDARD.encode(Sha256::digest(&body)));
            if checksum != expected {
                return reply(460);
            }
        }
        if let TusFault::Short(octets) = fault {
            body.truncate(usize::try_from(octets).unwrap());
        }
        upload.bytes.append(&mut body);
        if let TusFault::Refused(status) = fault {
            return reply(status);
        }
        if fault == TusFault::Unsaid {
            return reply(204);
        }
        self.expiring(reply(204).with("Upload-Offset", &upload.bytes.len()))
    }

    fn expiring(&self, answer: Reply) -> Reply {
        match self.offer.expires {
            Some(expires) => answer.with("Upload-Expires", &expires),
            None => answer,
        }
    }
}
