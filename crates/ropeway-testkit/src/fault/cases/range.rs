//! S, first part: answers to a resumed request that are not what was asked for.

use super::super::case::{Case, End, HALF, LENGTH, Play, Runs, Version, case, file};
use crate::peer::{Answer, Framing, Request, ServedFile};

pub(super) fn cases() -> Vec<Case> {
    [ignored(), misplaced(), odd(), unsatisfiable(), heads()].concat()
}

/// The first answer to the resumed request is `odd`; every later one is honest.
fn odd_once(odd: fn(&Request) -> Answer) -> Play {
    Play::resumed(move |request, turn| match turn.number {
        1 if request.range().is_some() => odd(request),
        _ => file(1).answer(request),
    })
}

/// Every answer to a range is `odd`.
fn odd_always(odd: fn(&Request) -> Answer) -> Play {
    Play::resumed(move |request, _| if request.range().is_some() { odd(request) } else { file(1).answer(request) })
}

fn start_of(request: &Request) -> u64 {
    request.range().map_or(0, |(start, _)| start)
}

fn ignored() -> Vec<Case> {
    vec![
        case(
            "S1",
            "200 with the whole file to a resumed request",
            "starts again at zero, in place; nothing is appended",
            Play::resumed(|_, _| file(1).whole()),
        ),
        case(
            "S1 no ranges",
            "the same from a server that has no ranges and no validator",
            "starts again at zero, in place; nothing is appended",
            Play::resumed(|_, _| file(1).without_validators().whole().without("Accept-Ranges"))
                .from(file(1).without_validators()),
        ),
        case(
            "S4",
            "206 although no range was asked for",
            "refused, or fetched in another way; never a file without its start",
            Play::once(|request, _| match request.range() {
                None => file(1).part(HALF, LENGTH),
                Some(_) => file(1).answer(request),
            })
            .end(End::Either),
        ),
    ]
}

fn misplaced() -> Vec<Case> {
    const MUST: &str = "not one byte of it is used; the file is whole";
    let shifted = |request: &Request| file(1).part(start_of(request) + 1024, LENGTH);
    let garbage = |_: &Request| file(1).part(0, LENGTH).header("Content-Range", "bytes somewhere");
    let reversed = |_: &Request| file(1).part(0, LENGTH).header("Content-Range", "bytes 524288-100/1048576");
    let overflow = |_: &Request| {
        let range = format!("bytes {}-{}/{}", (1_u128 << 64) + u128::from(HALF), LENGTH - 1, LENGTH);
        file(1).part(0, LENGTH).header("Content-Range", &range)
    };
    vec![
        case("S2", "206 that starts at zero", MUST, odd_once(|_| file(1).part(0, LENGTH))),
        case("S2 shifted", "206 that starts a kibibyte too late", MUST, odd_once(shifted)),
        case("S2 shifted always", "every 206 starts a kibibyte too late", MUST, odd_always(shifted)),
        case("S3", "206 without Content-Range", MUST, odd_once(|_| file(1).part(0, LENGTH).without("Content-Range"))),
        case("S3 garbage", "206 whose Content-Range is garbage", MUST, odd_once(garbage)),
        case("S3 garbage always", "every Content-Range is garbage", MUST, odd_always(garbage)),
        case("S3 reversed", "206 whose Content-Range ends before it starts", MUST, odd_once(reversed)),
        case("S3 reversed always", "every Content-Range ends before it starts", MUST, odd_always(reversed)),
        case("S3 overflow", "206 whose Content-Range overflows 64 bits to the right number", MUST, odd_once(overflow)),
        case("S3 overflow always", "every Content-Range overflows so", MUST, odd_always(overflow)),
    ]
}

fn too_long(request: &Request) -> Answer {
    let start = start_of(request);
    file(1).part(start, LENGTH).pattern(file(1).pattern(), start, LENGTH + 64 * 1024)
}

fn odd() -> Vec<Case> {
    vec![
        case(
            "S5",
            "every 206 is cut down to 128 KiB, as its head says",
            "asks for the rest from there; never done early",
            Play::resumed(|request, _| match request.range() {
                Some((start, end)) => file(1).part(start, end.unwrap_or(LENGTH).min(start + 128 * 1024).min(LENGTH)),
                None => file(1).whole(),
            }),
        ),
        case(
            "S6",
            "206 with more bytes than the file has left",
            "only what was asked for is written",
            odd_once(too_long),
        ),
        case(
            "S6 always",
            "every 206 has more bytes than that",
            "only what was asked for is written",
            odd_always(too_long),
        ),
        case(
            "S8",
            "206 whose total is unknown (`/*`)",
            "accepted",
            Play::resumed(|request, _| match request.range() {
                Some((start, end)) => {
                    let end = end.unwrap_or(LENGTH).min(LENGTH);
                    file(1).part(start, end).header("Content-Range", &format!("bytes {start}-{}/*", end - 1))
                }
                None => file(1).whole(),
            }),
        ),
        case(
            "S20",
            "`Accept-Ranges: none`, yet ranges work",
            "acts on what the server does; the file is whole",
            Play::resumed(|request, _| file(1).answer(request).header("Accept-Ranges", "none")),
        ),
        case(
            "S20 bytes",
            "`Accept-Ranges: bytes`, yet every answer is 200",
            "acts on what the server does; the file is whole",
            Play::once(|_, _| ServedFile::new(1, LENGTH).whole().drip(LENGTH)).connections(8),
        ),
    ]
}

fn unsatisfiable() -> Vec<Case> {
    /// All bytes of a file whose length was not said, and then silence.
    fn all_but_the_end() -> Play {
        Play::resumed(|request, _| file(1).answer(request))
            .first(|_, _| file(1).whole().framing(Framing::Chunked).stall_after(LENGTH))
            .runs(Runs::Stopped(LENGTH))
    }
    let shrunk = || ServedFile::new(2, HALF / 2);
    vec![
        case("S10 have", "416: the file ends where the part ends", "done: nothing is missing", all_but_the_end()),
        case(
            "S10 smaller",
            "416: the file is now shorter than the part",
            "starts again; the file is the new one",
            Play::resumed(move |request, _| match request.range() {
                Some(_) => Answer::status(416).header("Content-Range", &format!("bytes */{}", HALF / 2)),
                None => ServedFile::new(2, HALF / 2).whole(),
            })
            .becomes(shrunk()),
        ),
        case(
            "S10 bare",
            "416 without a length, and without a reason",
            "starts again; the file is whole",
            Play::resumed(|request, _| match request.range() {
                Some(_) => Answer::status(416),
                None => file(1).whole(),
            }),
        ),
    ]
}

fn heads() -> Vec<Case> {
    const MUST: &str = "GET decides; the file is whole";
    let unless_get = |odd: fn() -> Answer| {
        Play::once(move |request, _| if request.method == "HEAD" { odd() } else { file(1).answer(request) })
    };
    vec![
        case("S11", "HEAD is refused with 405", MUST, unless_get(|| Answer::status(405))),
        case("S11 lie", "HEAD tells another length", MUST, unless_get(|| ServedFile::new(2, HALF).whole())),
        case("S11 silent", "HEAD is never answered", MUST, unless_get(Answer::silence)),
        case(
            "S11 empty",
            "an empty file",
            "done, with an empty file",
            Play::once(|_, _| Answer::status(200)).right([Version::Bytes(bytes::Bytes::new())]),
        ),
    ]
}
