//! C: content codings nobody asked for.

use std::{io::Write, sync::OnceLock};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

use super::super::case::{Case, End, HALF, LENGTH, Play, Version, case, file};
use crate::{
    Pattern,
    fault::Outcome,
    peer::{Answer, Framing},
};

/// What is compressed; half of it is easy to compress.
const TEXT: u64 = 256 * 1024;
/// What the bomb makes of itself.
const BLAST: usize = 192 << 20;
/// What a client may make of it.
const MOST: u64 = 128 << 20;

pub(super) fn cases() -> Vec<Case> {
    [encoded(), vec![named()], broken(), labels(), transfers()].concat()
}

fn text() -> Vec<u8> {
    let mut text = Pattern::new(9).bytes(0, TEXT).to_vec();
    text.extend(vec![b' '; text.len()]);
    text
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A thousand times as many zeros as it has bytes; made once, when it is first needed.
fn bomb() -> Bytes {
    static BOMB: OnceLock<Bytes> = OnceLock::new();
    let make = || {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let zeros = vec![0; 1 << 20];
        for _ in 0..BLAST / zeros.len() {
            encoder.write_all(&zeros).unwrap();
        }
        encoder.finish().unwrap().into()
    };
    BOMB.get_or_init(make).clone()
}

fn answer(encoded: impl Into<Bytes>) -> Answer {
    Answer::status(200).header("ETag", "\"z\"").header("Content-Encoding", "gzip").body(encoded)
}

fn encoded() -> Vec<Case> {
    vec![
        case(
            "C1",
            "the server sends the file gzipped, unasked",
            "the file is what its name promises: decoded",
            Play::once(|_, _| answer(gzip(&text()))).right([Version::Bytes(Bytes::from(text()))]),
        ),
        case(
            "C1 chunked",
            "the same in chunks, without a length",
            "the file is what its name promises: decoded",
            Play::once(|_, _| answer(gzip(&text())).framing(Framing::Chunked))
                .right([Version::Bytes(Bytes::from(text()))]),
        ),
        case(
            "C2",
            "a resumed request gets 206 of the gzipped file",
            "starts again without Range, or uses the rest of the plain file only",
            Play::resumed(|request, turn| match request.range() {
                Some((start, _)) if turn.number == 1 => {
                    let encoded = gzip(&file(1).pattern().bytes(0, LENGTH));
                    let rest = encoded[usize::try_from(start).unwrap()..].to_vec();
                    let range = format!("bytes {start}-{}/{}", encoded.len() - 1, encoded.len());
                    answer(rest).with_status(206).header("ETag", "\"1-1048576\"").header("Content-Range", &range)
                }
                _ => file(1).answer(request),
            }),
        ),
    ]
}

fn too_much(outcome: &Outcome) -> Option<String> {
    let names = outcome.names();
    let lengths = names.iter().filter_map(|name| outcome.folder.join(name).metadata().ok()).map(|of| of.len());
    let most = lengths.max().unwrap_or(0);
    if most > MOST {
        return Some(format!("190 KiB became {} MiB on the disk", most >> 20));
    }
    (outcome.peak_memory > MOST).then(|| format!("{} MiB resident", outcome.peak_memory >> 20))
}

/// The file under a name that the user gives, which says that it is compressed.
fn named() -> Case {
    case(
        "C9",
        "`Content-Encoding: gzip` over an address without an ending, saved by the user as `f.tar.gz`",
        "the file is what that name promises: as it came",
        Play::once(|_, _| answer(gzip(&text())))
            .path("download")
            .wish(|wish| wish.output = Some("f.tar.gz"))
            .right([Version::Made(|| gzip(&text()).into())]),
    )
}

fn broken() -> Vec<Case> {
    // Who saves what came, as it came, has neither blown up nor decoded anything wrongly.
    const MUST: &str = "a failure, or the bytes as they came";
    let mut short = gzip(&text());
    short.truncate(short.len() - 5_000);
    let mut wrong = gzip(&text());
    let crc = wrong.len() - 8;
    wrong[crc] ^= 1;
    let always = |encoded: Vec<u8>| {
        let encoded = Bytes::from(encoded);
        let right = [Version::Bytes(encoded.clone())];
        Play::once(move |_, _| answer(encoded.clone())).right(right).end(End::Either).watch(5)
    };
    vec![
        case(
            "C3",
            "a gzip bomb: 190 KiB that become 192 MiB",
            "stops at a limit, in bounded memory",
            Play::once(move |_, _| answer(bomb()))
                // Making it takes a busy machine longer than the case is watched.
                .before(|_| drop(bomb()))
                .right([Version::Made(bomb)])
                .end(End::Either)
                .watch(15)
                .everybody(too_much),
        ),
        case("C5", "a gzip stream that ends early, under a fitting length", MUST, always(short)),
        case("C5 crc", "a gzip stream with a wrong checksum", MUST, always(wrong)),
    ]
}

/// The file behind a transfer coding, which is the message's and not the file's (RFC 9112 §7).
fn transferred(coding: &str, octets: &[u8]) -> Answer {
    let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n{:x}\r\n", octets.len());
    Answer::raw([head.as_bytes(), octets, b"\r\n0\r\n\r\n"].concat())
}

fn transfers() -> Vec<Case> {
    let whole = || file(1).pattern().bytes(0, LENGTH);
    vec![
        case(
            "C8",
            "`Transfer-Encoding: gzip, chunked`",
            "the whole file, or refused",
            Play::once(move |_, _| transferred("gzip, chunked", &gzip(&whole()))).end(End::Either),
        ),
        case(
            "C8 unknown",
            "`Transfer-Encoding: compress, chunked`",
            "refused, and no file",
            Play::once(|_, _| transferred("compress, chunked", b"octets")).watch(8).end(End::NeverDone),
        ),
        case(
            "C8 none",
            "`Transfer-Encoding: identity` beside a length, and the connection stays open",
            "the whole file",
            Play::once(move |_, _| {
                let head =
                    format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: {LENGTH}\r\n\r\n");
                Answer::raw_and_open([head.as_bytes(), &whole()].concat())
            }),
        ),
    ]
}

fn labels() -> Vec<Case> {
    const MUST: &str = "the bytes as they are";
    let row = |id, title, label: &'static str| {
        let play = Play::once(move |request, _| file(1).answer(request).header("Content-Encoding", label));
        case(id, title, MUST, play)
    };
    vec![
        row("C7", "`Content-Encoding: none` over plain bytes", "none"),
        row("C7 utf-8", "`Content-Encoding: utf-8` over plain bytes", "utf-8"),
        row("C7 aws", "`Content-Encoding: aws-chunked` over plain bytes", "aws-chunked"),
        row("C7 gzip", "`Content-Encoding: gzip` over plain bytes", "gzip"),
        row("C7 deflate", "`Content-Encoding: deflate` over plain bytes", "deflate"),
        row("C7 unknown", "`Content-Encoding: x-foo` over plain bytes", "x-foo"),
        case(
            "C7 resumed",
            "`Content-Encoding: identity`, resumed",
            MUST,
            Play::resumed(|request, _| file(1).answer(request).header("Content-Encoding", "identity"))
                .first(|request, _| file(1).answer(request).header("Content-Encoding", "identity").stall_after(HALF)),
        ),
    ]
}
