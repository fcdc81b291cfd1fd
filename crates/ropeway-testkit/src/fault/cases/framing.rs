//! S, second part: lengths and heads that contradict themselves.

use super::super::case::{Case, End, LENGTH, Play, Version, case, file};
use crate::{
    fault::Outcome,
    peer::{Answer, Framing},
};

/// How much of one endless answer a client may take before it has had enough, with the network's own buffers.
const ENOUGH: u64 = 16 << 20;
/// What an endless answer sends before it ends after all.
pub(super) const ENDLESS: u64 = 96 << 20;
/// The most memory a hostile head may cost.
const MEMORY: u64 = 128 << 20;

pub(super) fn cases() -> Vec<Case> {
    [lengths(), overflows(), informational(), heads(), nonsense()].concat()
}

/// The whole file under `Content-Length` fields with these values, then the end of the connection.
fn with_lengths(values: &'static [&'static str]) -> Play {
    Play::once(move |_, _| {
        let answer = file(1).whole().without("Accept-Ranges").framing(Framing::Unsaid);
        values.iter().fold(answer, |answer, value| answer.also("Content-Length", value))
    })
    .watch(5)
}

fn lengths() -> Vec<Case> {
    const EITHER: &str = "refused or the whole file, never a part of it as done";
    let row = |id, title, values| case(id, title, EITHER, with_lengths(values).end(End::Either));
    vec![
        case("S13", "Content-Length twice, equal", "the whole file", with_lengths(&["1048576", "1048576"])),
        case(
            "S13 list",
            "Content-Length as a list of equal values",
            "the whole file",
            with_lengths(&["1048576, 1048576"]),
        ),
        row("S13 differ", "Content-Length twice: 1000 and the right one", &["1000", "1048576"]),
        row("S13 differ list", "the same as a list", &["1000, 1048576"]),
        row("S13 junk", "Content-Length `1000s`", &["1000s"]),
        row("S13 minus", "Content-Length `-1`", &["-1"]),
        row("S13 hex", "Content-Length `0x20`", &["0x20"]),
        row("S13 plus", "Content-Length `+1000`", &["+1000"]),
        row("S13 point", "Content-Length `1000.0`", &["1000.0"]),
        row("S13 empty", "Content-Length without a value", &[""]),
    ]
}

fn overflows() -> Vec<Case> {
    const MUST: &str = "no wrap, no such allocation, never a part of it as done";
    let row = |id, title, values| case(id, title, MUST, with_lengths(values).end(End::Either).watch(12));
    vec![
        row("S14", "Content-Length 2^63", &["9223372036854775808"]),
        row("S14 wrap", "Content-Length 2^64 + 1000", &["18446744073709552616"]),
        row("S14 long", "Content-Length of 40 digits", &["1000000000000000000000000000000000001000"]),
        case(
            "S14 both",
            "Content-Length 1000 beside a chunked body of the whole file",
            "the chunks count, or it is refused",
            Play::once(|_, _| file(1).whole().framing(Framing::Chunked).header("Content-Length", "1000"))
                .end(End::Either)
                .watch(6),
        ),
    ]
}

pub(super) fn had_enough(outcome: &Outcome) -> Option<String> {
    let most = outcome.requests.iter().map(|request| request.bytes_sent).max().unwrap_or(0);
    if most > ENOUGH {
        return Some(format!("took {} MiB of it", most >> 20));
    }
    stays_small(outcome)
}

pub(super) fn stays_small(outcome: &Outcome) -> Option<String> {
    (outcome.peak_memory > MEMORY).then(|| format!("{} MiB resident", outcome.peak_memory >> 20))
}

fn endless(head: &'static str, again: &'static str) -> Play {
    let again = again.repeat(1 + 16 * 1024 / again.len());
    Play::once(move |_, _| Answer::flood(head, again.clone(), ENDLESS))
        .end(End::NeverDone)
        .watch(6)
        .everybody(had_enough)
}

fn informational() -> Vec<Case> {
    const MUST: &str = "fails within three minutes, in bounded memory";
    let without_end = |interim: &'static str| {
        let again = interim.repeat(1 + 4 * 1024 / interim.len());
        let play = Play::once(move |_, _| Answer::flood("", again.clone(), u64::MAX).drip(ENDLESS / 1024));
        play.end(End::Either).slow(180).everybody(stays_small)
    };
    vec![
        case("S17", "100 Continue without end", MUST, without_end("HTTP/1.1 100 Continue\r\n\r\n")),
        case(
            "S17 hints",
            "103 Early Hints without end",
            MUST,
            without_end("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"),
        ),
    ]
}

fn heads() -> Vec<Case> {
    const MUST: &str = "the whole file or a failure, in bounded memory";
    let with = |field: fn() -> Vec<(String, String)>| {
        let play = Play::once(move |_, _| {
            field().iter().fold(file(1).whole(), |answer, (name, value)| answer.also(name, value))
        });
        play.end(End::Either).watch(8).everybody(had_enough)
    };
    vec![
        case("S19 long", "a header field of 100 KiB", MUST, with(|| vec![("X-Long".into(), "x".repeat(100 * 1024))])),
        case(
            "S19 many",
            "5,000 header fields",
            MUST,
            with(|| (0..5_000).map(|number| (format!("X-Field-{number}"), "value".to_owned())).collect()),
        ),
        case(
            "S19 endless",
            "header fields without end",
            "has enough after some of them, and fails",
            endless("HTTP/1.1 200 OK\r\n", "X-Field: value of a field that comes again and again\r\n"),
        ),
        case(
            "S19 line",
            "one header field without end",
            "has enough after some of it, and fails",
            endless("HTTP/1.1 200 OK\r\nX-Field: ", "value without an end "),
        ),
    ]
}

fn nonsense() -> Vec<Case> {
    const MUST: &str = "a failure, and no file";
    let raw = |octets: &'static [u8]| Play::once(move |_, _| Answer::raw(octets)).end(End::NeverDone).watch(4);
    vec![
        case("S19", "garbage instead of a status line", MUST, raw(b"\x16\x03\x01\x02\x00\x01\x00 garbage\r\n\r\n")),
        case("S19 0.9", "an answer of HTTP/0.9: bytes without a head", MUST, raw(b"these bytes have no head\n")),
        case(
            "S19 odd",
            "a line without a colon, a blank before one, an odd name",
            "the whole file",
            Play::once(|_, _| {
                let head = format!(
                    "HTTP/1.1 200 OK\r\nno field\r\nServer : x\r\nX Odd: y\r\nContent-Length: {LENGTH}\r\n\r\n"
                );
                Answer::raw([head.as_bytes(), &file(1).pattern().bytes(0, LENGTH)].concat())
            }),
        ),
        case(
            "S19 length",
            "a line `Content-Length 1000` without its colon before the whole file",
            "refused or the whole file, never a part of it as done",
            Play::once(|_, _| {
                let body = file(1).pattern().bytes(0, LENGTH);
                Answer::raw([b"HTTP/1.1 200 OK\r\nContent-Length 1000\r\n\r\n", &body[..]].concat())
            })
            .watch(8)
            .end(End::Either),
        ),
        case(
            "S19 nul",
            "a NUL in a header field",
            "a failure, or the whole file",
            Play::once(|_, _| Answer::raw(&b"HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 5\r\n\r\nhello"[..]))
                .right([Version::Bytes(bytes::Bytes::from_static(b"hello"))])
                .end(End::Either)
                .watch(6),
        ),
        case(
            "S19 fold",
            "a header field folded over two lines hides a length",
            "a failure, or the whole file",
            Play::once(|_, _| {
                Answer::raw(&b"HTTP/1.1 200 OK\r\nX-A: a\r\n Content-Length: 3\r\nContent-Length: 5\r\n\r\nhello"[..])
            })
            .right([Version::Bytes(bytes::Bytes::from_static(b"hello"))])
            .end(End::Either)
            .watch(6),
        ),
        case(
            "S19 head",
            "the connection ends inside the head",
            MUST,
            raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\nContent-Ty"),
        ),
        case("S19 status", "a status of four digits", MUST, raw(b"HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\nhello")),
        case(
            "S19 body",
            "a body without end under a Content-Length of a mebibyte",
            "the announced bytes and no more",
            Play::once(|_, _| {
                let whole = file(1).pattern().bytes(0, LENGTH);
                let head = format!("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: {LENGTH}\r\n\r\n");
                Answer::flood([head.as_bytes(), &whole].concat(), vec![0xee; 64 * 1024], ENDLESS)
            })
            .end(End::Either)
            .everybody(had_enough),
        ),
    ]
}
