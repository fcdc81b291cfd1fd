//! X, over HTTP/2: frames without end.

use http::Version;

use super::{
    super::case::{Case, End, Play, case, file},
    framing::{ENDLESS, had_enough, stays_small},
};
use crate::{
    fault::stage::Shield,
    peer::{Answer, frame},
};

/// Types and flags of frames (RFC 9113 §6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;
/// `:status: 200` in one octet (RFC 7541, appendix A).
const STATUS_200: &[u8] = &[0x88];

/// `first`, then `again` without end, over HTTP/2; over HTTP/1.1 the file.
fn flood(first: Vec<u8>, again: &[u8]) -> Play {
    let again = again.repeat(1 + 16 * 1024 / again.len());
    Play::once(move |request, _| match request.version {
        Version::HTTP_2 => Answer::flood(first.clone(), again.clone(), ENDLESS),
        _ => file(1).answer(request),
    })
    .shield(Shield::Frames)
    .end(End::Either)
    .everybody(had_enough)
}

pub(super) fn cases() -> Vec<Case> {
    const MUST: &str = "has enough after some of them; the whole file another way, or a failure";
    // A field without indexing: the lengths of name and value in an octet each (RFC 7541 §6.2.2).
    let field = [&[0, 6][..], b"x-more", &[5], b"value"].concat();
    let answered = || frame(HEADERS, END_HEADERS, 1, STATUS_200);
    vec![
        case(
            "X4",
            "over HTTP/2 a head that goes on in CONTINUATION frames without end",
            MUST,
            flood(frame(HEADERS, 0, 1, STATUS_200), &frame(CONTINUATION, 0, 1, &field.repeat(64))),
        ),
        case(
            "X4 tiny",
            "the same in CONTINUATION frames without a single octet",
            MUST,
            flood(frame(HEADERS, 0, 1, STATUS_200), &frame(CONTINUATION, 0, 1, &[])),
        ),
        case(
            "X4 empty",
            "over HTTP/2 a body of empty DATA frames without end",
            MUST,
            flood(answered(), &frame(DATA, 0, 1, &[])),
        ),
        case(
            "X4 ping",
            "over HTTP/2 PING without end, each of which is to be answered",
            "fails or gets the file another way within three minutes, in bounded memory",
            flood(Vec::new(), &frame(PING, 0, 0, b"12345678")).slow(180).everybody(stays_small),
        ),
    ]
}
