//! HTTP/2 without a library that would keep its rules: frames as a test makes them (RFC 9113 §4.1).

use http::Version;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufStream};

use super::{Desk, Line, Record, Sending, request, send};

/// What a client sends before its first frame.
const PREFACE: usize = 24;
/// The type of the frame that begins a request.
const HEADERS: u8 = 1;

/// A frame of this type and with these flags, about a stream or, with 0, about the connection.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Waits for a request, and sends what the script has in place of an answer.
pub(super) async fn converse<S: Line>(desk: &Desk, stream: S) {
    let mut stream = BufStream::new(stream);
    if until_request(&mut stream).await.is_err() {
        return;
    }
    let mut request = request::empty("GET".to_owned(), String::new());
    (request.version, request.connection, request.place) = (Version::HTTP_2, desk.count(), 1);
    request.beside = desk.begin();
    let _sending = Sending(std::sync::Arc::clone(&desk.sending));
    let record = Record::new(&desk.records, &mut request);
    let answer = (desk.script)(&request);
    send::in_place(&mut stream, &answer, &record).await;
}

/// Says its settings and reads frames up to the first request.
async fn until_request<S: Line>(stream: &mut BufStream<S>) -> std::io::Result<()> {
    stream.write_all(&frame(4, 0, 0, &[])).await?;
    stream.flush().await?;
    stream.read_exact(&mut [0; PREFACE]).await?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        stream.read_exact(&mut vec![0; usize::try_from(length).unwrap()]).await?;
        if head[3] == HEADERS {
            return Ok(());
        }
    }
}
