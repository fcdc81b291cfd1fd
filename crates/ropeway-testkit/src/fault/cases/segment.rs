//! S and V, on several connections: one of them gets something else than the others.

use super::super::case::{Case, End, LENGTH, Play, Version, case};
use crate::{
    fault::stage::Turn,
    peer::{Answer, Request, ServedFile},
};

/// A file of four mebibytes, and what each connection gets of it in a second.
const FOUR: u64 = 4 * LENGTH;
const RATE: u64 = 2 * LENGTH;
/// The request that gets something else; with one connection there is none.
const ODD: usize = 3;
const PAGE: &str = "<!doctype html><title>503</title><p>Our servers are busy. Please come back later.";

pub(super) fn cases() -> Vec<Case> {
    [errors(), lengths(), edges()].concat()
}

fn four(seed: u64) -> ServedFile {
    ServedFile::new(seed, FOUR)
}

fn segmented(script: impl Fn(&Request, &Turn) -> Answer + Send + Sync + 'static) -> Play {
    Play::once(move |request, turn| script(request, turn).drip(RATE)).becomes(four(1)).connections(8)
}

/// The third request gets `odd`.
fn one_odd(odd: fn(&Request) -> Answer) -> Play {
    segmented(move |request, turn| if turn.number == ODD { odd(request) } else { four(1).answer(request) })
}

/// Every request for a range gets `odd`.
fn all_odd(odd: fn(&Request) -> Answer) -> Play {
    segmented(move |request, _| if request.range().is_some() { odd(request) } else { four(1).answer(request) })
}

fn page(status: u16) -> Answer {
    Answer::status(status).header("Content-Type", "text/html").body(PAGE)
}

fn errors() -> Vec<Case> {
    const MUST: &str = "not one octet of the page is in the file";
    vec![
        case("S12", "one of eight connections gets an HTML page with status 200", MUST, one_odd(|_| page(200))),
        case("S12 503", "one of eight connections gets an HTML page with status 503", MUST, one_odd(|_| page(503))),
        case(
            "S12 206",
            "one of eight connections gets an HTML page with status 206 and no place",
            MUST,
            one_odd(|_| page(206)),
        ),
        case(
            "S12 always",
            "every connection but the first gets such a page with status 200",
            MUST,
            all_odd(|_| page(200)),
        ),
        case("S12 503 always", "the same with status 503", MUST, all_odd(|_| page(503))),
        case("S12 206 always", "the same with status 206 and no place", MUST, all_odd(|_| page(206))),
        case(
            "S12 403",
            "every connection but the first is refused with 403",
            "the first one brings the file",
            segmented(|request, turn| if turn.number > 1 { page(403) } else { four(1).answer(request) }),
        ),
    ]
}

fn lengths() -> Vec<Case> {
    vec![
        case(
            "V7 length always",
            "every connection but the first is answered with another total length",
            "not one byte of it is used",
            all_odd(|request| ServedFile::new(2, FOUR + 1000).without_validators().answer(request)),
        ),
        case(
            "S5 segments",
            "every 206 is cut down to 128 KiB, as its head says",
            "asks for the rest from there; the file is whole",
            segmented(|request, _| match request.range() {
                Some((start, end)) => four(1).part(start, end.unwrap_or(FOUR).min(start + 128 * 1024).min(FOUR)),
                None => four(1).whole(),
            }),
        ),
        case(
            "S6 segments",
            "every 206 brings 64 KiB of other bytes behind what was asked for",
            "only what was asked for is written, the neighbour never",
            segmented(|request, _| match request.range() {
                Some((start, Some(end))) if end < FOUR => {
                    let mut body = four(1).pattern().bytes(start, end).to_vec();
                    body.extend([0xee; 64 * 1024]);
                    four(1).part(start, end).body(body)
                }
                _ => four(1).answer(request),
            }),
        ),
        case(
            "S8 segments",
            "every 206 leaves the total unknown (`/*`)",
            "accepted",
            segmented(|request, _| match request.range() {
                Some((start, end)) => {
                    let end = end.unwrap_or(FOUR).min(FOUR);
                    four(1).part(start, end).header("Content-Range", &format!("bytes {start}-{}/*", end - 1))
                }
                None => four(1).whole(),
            }),
        ),
        case(
            "S2 segments",
            "one of eight connections gets bytes of another place",
            "not one byte of it is used",
            one_odd(|request| {
                let (start, _) = request.range().unwrap_or((0, None));
                if start == 0 { four(1).answer(request) } else { four(1).part(0, FOUR) }
            }),
        ),
        case(
            "S2 segments always",
            "every connection but the first gets bytes of another place",
            "not one byte of it is used",
            all_odd(|_| four(1).part(0, FOUR)),
        ),
    ]
}

fn edges() -> Vec<Case> {
    let alternating = |request: &Request, turn: &Turn, same: bool| {
        let odd = turn.number.is_multiple_of(2);
        let served = four(if odd && !same { 2 } else { 1 });
        served.header("ETag", if odd { "\"edge-b\"" } else { "\"edge-a\"" }).answer(request)
    };
    vec![
        case(
            "V7",
            "two edges serve the same bytes under different tags",
            "done, under one tag or on one connection",
            segmented(move |request, turn| alternating(request, turn, true)),
        ),
        case(
            "V7 other",
            "two edges serve different versions under different tags",
            "one version or none, never a mixture",
            segmented(move |request, turn| alternating(request, turn, false))
                .right([Version::Served(four(1)), Version::Served(four(2))])
                .end(End::Either),
        ),
        case(
            "V7 length",
            "one of eight connections is answered with another total length",
            "not one byte of it is used",
            one_odd(|request| {
                let longer = ServedFile::new(2, FOUR + 1000).without_validators();
                longer.answer(request)
            }),
        ),
        case(
            "V15",
            "a mirror serves other bytes of the same length under another tag",
            "one version or none, never a mixture",
            segmented(|request, _| four(1).answer(request))
                .other(|request, _| four(2).answer(request).drip(RATE))
                .wish(|wish| wish.has_mirror = true)
                .right([Version::Served(four(1)), Version::Served(four(2))]),
        ),
        case(
            "V15 tagged",
            "the same under the same strong tag",
            "one version or none, never a mixture",
            segmented(|request, _| four(1).header("ETag", "\"one\"").answer(request))
                .other(|request, _| four(2).header("ETag", "\"one\"").answer(request).drip(RATE))
                .wish(|wish| wish.has_mirror = true)
                .right([Version::Served(four(1)), Version::Served(four(2))]),
        ),
        case(
            "V15 untagged",
            "the same, and neither server gives a validator",
            "one version or none, never a mixture",
            segmented(|request, _| four(1).without_validators().answer(request))
                .other(|request, _| four(2).without_validators().answer(request).drip(RATE))
                .wish(|wish| wish.has_mirror = true)
                .right([Version::Served(four(1)), Version::Served(four(2))]),
        ),
        case(
            "V2 midway",
            "the file changes while eight connections fetch it",
            "one version or none, never a mixture",
            segmented(|request, turn| four(if turn.number <= 2 { 1 } else { 2 }).answer(request))
                .right([Version::Served(four(1)), Version::Served(four(2))])
                .end(End::Either),
        ),
    ]
}
