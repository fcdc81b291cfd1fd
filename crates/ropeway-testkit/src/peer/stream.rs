//! The same server over HTTP/2: the script's answers on streams of one connection.

use std::{future::pending, sync::Arc, time::Duration};

use bytes::Bytes;
use h2::{
    Reason, RecvStream, SendStream,
    server::{Builder, SendResponse},
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, Version};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Notify,
    task::JoinSet,
};

use super::{
    Answer, Desk, Framing, Intake, Record, Request, Sending,
    answer::Instead,
    request,
    send::{STEP, piece},
};

/// The protocol's name in a TLS handshake.
pub(super) const ALPN: &[u8] = b"h2";

/// What was given to the connection before its stream is reset would be thrown away: so long it has to go out.
const BEFORE_RESET: Duration = Duration::from_millis(50);

/// Answers the requests of one connection, at most `most` at once, until either side ends it.
pub(super) async fn converse<S: AsyncRead + AsyncWrite + Unpin>(desk: &Desk, stream: S, most: u32) {
    let Ok(mut connection) = Builder::new().max_concurrent_streams(most).handshake::<_, Bytes>(stream).await else {
        return;
    };
    let number = desk.count();
    let mut place = 0;
    let mut answers = JoinSet::new();
    let broken = Arc::new(Notify::new());
    loop {
        tokio::select! {
            biased;
            // Its streams are still open then: none of them gets an end of its own.
            () = broken.notified() => return drop(connection),
            accepted = connection.accept() => {
                let Some(Ok((asked, respond))) = accepted else { return };
                place += 1;
                let mut request = taken(&asked, number, place);
                request.beside = desk.begin();
                let sending = Sending(Arc::clone(&desk.sending));
                let record = Record::new(&desk.records, &mut request);
                let answer = (desk.script)(&request);
                let broken = Arc::clone(&broken);
                let takes_body = matches!(answer.intake, Intake::Whole);
                let body = asked.into_body();
                answers.spawn(async move {
                    let _sending = sending;
                    if takes_body && !intake(body, &record).await {
                        return;
                    }
                    // A client that does not want the answer any more is none of our trouble.
                    let _ = send(respond, answer, &record, &broken).await;
                });
            }
            Some(_) = answers.join_next() => {}
        }
    }
}

/// Reads the body of a request; `false` if it broke.
async fn intake(mut body: RecvStream, record: &Record) -> bool {
    while let Some(piece) = body.data().await {
        let Ok(piece) = piece else { return false };
        record.change(|request| request.bytes_received += piece.len() as u64);
        if body.flow_control().release_capacity(piece.len()).is_err() {
            return false;
        }
    }
    record.change(|request| request.body_complete = true);
    true
}

fn taken(asked: &http::Request<RecvStream>, connection: usize, place: usize) -> Request {
    let path = asked.uri().path_and_query().map_or("/", |path| path.as_str());
    let field = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let mut request = request::empty(asked.method().to_string(), path.to_owned());
    request.headers = asked.headers().iter().map(field).collect();
    (request.version, request.connection, request.place) = (Version::HTTP_2, connection, place);
    request
}

/// Sends one answer; an `Err` is a client that does not want it any more. Says with `broken` where the connection breaks.
async fn send(
    mut respond: SendResponse<Bytes>,
    answer: Answer,
    record: &Record,
    broken: &Notify,
) -> Result<(), h2::Error> {
    match answer.instead {
        Instead::Answer => {}
        Instead::Silence => pending::<()>().await,
        Instead::Break(_) | Instead::Octets(_) | Instead::Open(_) | Instead::Flood(..) => {
            broken.notify_one();
            pending::<()>().await;
        }
        Instead::Reset(code) => {
            respond.send_reset(Reason::from(code));
            return Ok(());
        }
    }
    answer.let_go().await;
    let length = answer.content.length();
    let mut response = Response::new(());
    *response.status_mut() = answer.status.try_into().unwrap();
    *response.headers_mut() = head(&answer);
    let mut stream = respond.send_response(response, false)?;
    let stops = [answer.cut.map(|(at, _)| at), answer.reset.map(|(at, _)| at), answer.stall];
    let stop = stops.into_iter().flatten().fold(length, u64::min);
    let mut sent = 0;
    while sent < stop {
        let piece = piece(&answer.content, sent, stop.min(sent + STEP));
        sent += piece.len() as u64;
        give(&mut stream, piece).await?;
        record.change(|request| request.bytes_sent = sent);
        if let Some(rate) = answer.bytes_per_second {
            tokio::time::sleep(Duration::from_micros(STEP * 1_000_000 / rate)).await;
        }
    }
    if answer.stall.is_some_and(|at| at <= sent) {
        pending::<()>().await;
    }
    if answer.cut.is_some_and(|(at, _)| at <= sent) {
        tokio::time::sleep(BEFORE_RESET).await;
        broken.notify_one();
        pending::<()>().await;
    }
    match answer.reset {
        Some((at, code)) if at <= sent => {
            tokio::time::sleep(BEFORE_RESET).await;
            stream.send_reset(Reason::from(code));
        }
        _ => stream.send_data(Bytes::new(), true)?,
    }
    Ok(())
}

fn head(answer: &Answer) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &answer.headers {
        headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
    }
    match answer.framing {
        Framing::Length => headers.insert("content-length", answer.content.length().into()),
        Framing::LengthOf(length) => headers.insert("content-length", length.into()),
        _ => None,
    };
    headers
}

/// Gives the bytes to the network as the client makes room for them.
async fn give(stream: &mut SendStream<Bytes>, mut bytes: Bytes) -> Result<(), h2::Error> {
    while !bytes.is_empty() {
        stream.reserve_capacity(bytes.len());
        let room = match std::future::poll_fn(|context| stream.poll_capacity(context)).await {
            Some(room) => room?,
            None => return Err(Reason::CANCEL.into()),
        };
        stream.send_data(bytes.split_to(room.min(bytes.len())), false)?;
    }
    Ok(())
}
