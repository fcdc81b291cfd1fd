//! Writing an answer, with its faults.

use std::{future::pending, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream},
    time::Sleep,
};

use super::{
    Answer, Cut, Framing, Intake, Line, Record, Request,
    answer::{Content, Instead},
};

/// Bytes given to the network at once.
pub(super) const STEP: u64 = 64 * 1024;
/// Pauses a second while dripping.
const DRIPS_PER_SECOND: u64 = 20;

/// Writes the answer; whether the connection may carry another request.
pub(super) async fn answer<S: Line>(
    stream: &mut BufStream<S>,
    request: &Request,
    answer: Answer,
    record: &Record,
) -> bool {
    if !matches!(answer.instead, Instead::Answer) {
        in_place(stream, &answer, record).await;
        return false;
    }
    answer.let_go().await;
    if stream.write_all(head(&answer).as_bytes()).await.is_err() || stream.flush().await.is_err() {
        return false;
    }
    let bodiless = request.method == "HEAD" || matches!(answer.status, 204 | 304);
    if !bodiless && !body(stream, &answer, record).await {
        return false;
    }
    match answer.intake {
        Intake::Refused(cut) => {
            if cut == Cut::Reset {
                stream.get_ref().reset_on_close();
            } else {
                drain(stream).await;
            }
            false
        }
        Intake::Whole | Intake::CutAfter(..) => {
            let ends = matches!(answer.framing, Framing::Close | Framing::Unsaid) || answer.close;
            if ends {
                let _ = stream.shutdown().await;
            }
            !ends
        }
    }
}

/// What is sent in place of an answer.
pub(super) async fn in_place<S: Line>(stream: &mut BufStream<S>, answer: &Answer, record: &Record) {
    match &answer.instead {
        Instead::Answer => {}
        Instead::Open(octets) => {
            let _ = stream.write_all(octets).await;
            let _ = stream.flush().await;
            pending::<()>().await;
        }
        Instead::Silence => pending::<()>().await,
        Instead::Break(cut) => cut_off(stream, *cut).await,
        Instead::Reset(_) => cut_off(stream, Cut::Reset).await,
        Instead::Octets(octets) => {
            let _ = stream.write_all(octets).await;
            let _ = stream.shutdown().await;
        }
        Instead::Flood(head, again, most) => {
            let mut sent = head.len() as u64;
            let mut alive = stream.write_all(head).await.is_ok();
            while alive && sent < *most {
                alive = stream.write_all(again).await.is_ok() && stream.flush().await.is_ok();
                sent += again.len() as u64;
                record.change(|request| request.bytes_sent = sent);
                if let Some(rate) = answer.bytes_per_second {
                    tokio::time::sleep(Duration::from_micros(again.len() as u64 * 1_000_000 / rate)).await;
                }
            }
            let _ = stream.shutdown().await;
        }
    }
}

/// Ends the sending side and takes what is still coming, so that the answer is read before a reset.
async fn drain<S: Line>(stream: &mut BufStream<S>) {
    let _ = stream.shutdown().await;
    let mut sink = vec![0; 16 * 1024];
    while stream.read(&mut sink).await.is_ok_and(|count| count > 0) {}
}

/// Breaks the connection.
pub(super) async fn cut_off<S: Line>(stream: &mut BufStream<S>, cut: Cut) {
    match cut {
        Cut::Reset => stream.get_ref().reset_on_close(),
        Cut::End => stream.get_mut().end().await,
    }
}

fn head(answer: &Answer) -> String {
    let mut head = format!("HTTP/1.1 {} Answer\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    match answer.framing {
        _ if matches!(answer.status, 204 | 304) => {}
        Framing::Length => head.extend(["Content-Length: ", &answer.content.length().to_string(), "\r\n"]),
        Framing::LengthOf(length) => head.extend(["Content-Length: ", &length.to_string(), "\r\n"]),
        Framing::Chunked | Framing::ChunkedWithoutEnd => head.push_str("Transfer-Encoding: chunked\r\n"),
        Framing::Close => head.push_str("Connection: close\r\n"),
        Framing::Unsaid => {}
    }
    head + "\r\n"
}

/// Writes the body; whether it went out as planned and the connection lives.
async fn body<S: Line>(stream: &mut BufStream<S>, answer: &Answer, record: &Record) -> bool {
    let chunked = matches!(answer.framing, Framing::Chunked | Framing::ChunkedWithoutEnd);
    let length = answer.content.length();
    let cut = answer.cut.map_or(u64::MAX, |(bytes, _)| bytes);
    let stop = length.min(cut).min(answer.stall.unwrap_or(u64::MAX));
    let mut sent = 0;
    while sent < stop {
        let most = answer.bytes_per_second.map_or(STEP, |rate| (rate / DRIPS_PER_SECOND).clamp(1, STEP));
        let piece = piece(&answer.content, sent, stop.min(sent + most));
        // Ahead of each piece, so that short answers come no faster and the last piece ends the answer.
        if let Some(rate) = answer.bytes_per_second {
            let pause = tokio::time::sleep(Duration::from_micros(piece.len() as u64 * 1_000_000 / rate));
            if stream.flush().await.is_err() || is_left(stream, pause).await {
                return false;
            }
        }
        let written = if chunked {
            let frame = format!("{:x}\r\n", piece.len());
            stream.write_all(&[frame.as_bytes(), &piece, b"\r\n"].concat()).await
        } else {
            stream.write_all(&piece).await
        };
        if written.is_err() || stream.flush().await.is_err() {
            return false;
        }
        sent += piece.len() as u64;
        record.change(|request| request.bytes_sent = sent);
    }
    if answer.stall.is_some_and(|at| at <= sent) {
        pending::<()>().await;
    }
    match answer.cut {
        Some((at, cut)) if at <= sent => {
            cut_off(stream, cut).await;
            return false;
        }
        _ => {}
    }
    if answer.framing == Framing::ChunkedWithoutEnd {
        let _ = stream.shutdown().await;
        return false;
    }
    if answer.framing == Framing::Chunked && stream.write_all(b"0\r\n\r\n").await.is_err() {
        return false;
    }
    if matches!(answer.framing, Framing::LengthOf(announced) if announced != length) {
        let _ = stream.flush().await;
        let _ = stream.shutdown().await;
        return false;
    }
    stream.flush().await.is_ok()
}

/// Waits for `pause`; `true` at once where the client leaves meanwhile, as a server that polls its sockets would see it.
async fn is_left<S: Line>(stream: &mut BufStream<S>, pause: Sleep) -> bool {
    tokio::pin!(pause);
    tokio::select! {
        () = &mut pause => return false,
        // Where the next request is here already, it waits its turn.
        read = stream.fill_buf() => if !read.is_ok_and(|octets| !octets.is_empty()) {
            return true;
        },
    }
    pause.await;
    false
}

pub(super) fn piece(content: &Content, from: u64, to: u64) -> bytes::Bytes {
    match content {
        Content::Pattern { pattern, start, .. } => pattern.bytes(start + from, start + to),
        Content::Bytes(bytes) => bytes.slice(usize::try_from(from).unwrap()..usize::try_from(to).unwrap()),
    }
}
