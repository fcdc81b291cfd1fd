//! S, V and A: what is wrong in the same way each time. What a plain request brings must be brought.

use std::collections::HashSet;

use parking_lot::Mutex;

use super::super::case::{Case, HALF, LENGTH, Play, Runs, Version, case, file};
use crate::{
    fault::{
        Outcome,
        stage::{Shield, Turn},
    },
    peer::{Answer, Cut, Framing, Request, ServedFile},
};

/// A server that breaks each answer behind so many bytes.
const PIECE: u64 = 300 * 1024;

pub(super) fn cases() -> Vec<Case> {
    [wrong_ranges(), refusals(), conditions(), led(), vec![once()], mixed(), two_machines(), tags(), framing()].concat()
}

/// Every answer to a request for a range is `odd`; plain requests are answered well.
fn always(odd: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Play {
    Play::resumed(move |request, _| if request.range().is_some() { odd(request) } else { file(1).answer(request) })
}

fn wanted(request: &Request) -> (u64, u64) {
    let (start, end) = request.range().unwrap_or((0, None));
    (start, end.unwrap_or(LENGTH).min(LENGTH))
}

fn wrong_ranges() -> Vec<Case> {
    const MUST: &str = "asks for the whole file in the end; it is whole";
    let part = |request: &Request| {
        let (start, end) = wanted(request);
        file(1).part(start, end)
    };
    vec![
        case("S2 always", "every 206 starts at zero", MUST, always(|_| file(1).part(0, LENGTH))),
        case("S3 always", "no 206 has a Content-Range", MUST, always(move |it| part(it).without("Content-Range"))),
        case(
            "S3 equals",
            "every Content-Range is written `bytes=a-b/n`",
            MUST,
            always(move |request| {
                let (start, end) = wanted(request);
                part(request).header("Content-Range", &format!("bytes={start}-{}/{LENGTH}", end - 1))
            }),
        ),
        case("S5 empty", "every 206 has a right head and no body", MUST, always(move |it| part(it).body(""))),
        case(
            "S3 several",
            "every range is answered with `multipart/byteranges`",
            MUST,
            always(move |it| part(it).header("Content-Type", "multipart/byteranges; boundary=x")),
        ),
    ]
}

fn refusals() -> Vec<Case> {
    const MUST: &str = "asks for the whole file in the end; it is whole";
    let refused = |status: u16| always(move |_| Answer::status(status).body("no ranges here"));
    vec![
        case("S26 400", "every request for a range is refused with 400", MUST, refused(400)),
        case("S26 403", "the same with 403", MUST, refused(403)),
        case("S26 404", "the same with 404", MUST, refused(404)),
        case("S26 416", "the same with 416, without a length", MUST, refused(416)),
        case("S26 500", "the same with 500", MUST, refused(500)),
        case("S26 501", "the same with 501", MUST, refused(501)),
    ]
}

/// What is here is not fetched again.
fn went_on(outcome: &Outcome) -> Option<String> {
    let again = outcome.requests.iter().filter(|request| request.range().is_none()).count();
    (again > 0).then(|| format!("{again} requests for the whole file"))
}

fn conditions() -> Vec<Case> {
    const MUST: &str = "asks without the condition, and goes on";
    let conditional = |answer: fn() -> Answer| {
        Play::resumed(
            move |request, _| if request.header("If-Range").is_some() { answer() } else { file(1).answer(request) },
        )
        .ours(went_on)
    };
    vec![
        case("S27", "every request with If-Range is refused with 400", MUST, conditional(|| Answer::status(400))),
        case("S27 412", "the same with 412", MUST, conditional(|| Answer::status(412))),
        case("S27 500", "the same with 500", MUST, conditional(|| Answer::status(500))),
        case(
            "S27 whole",
            "If-Range is answered with 200, under the very tag it names",
            MUST,
            conditional(|| file(1).whole()),
        ),
    ]
}

/// The address leads to the other origin, to a link that names the run and the request.
fn leads(_: &Request, turn: &Turn) -> Answer {
    Answer::redirect(302, &format!("{}file.bin?run={}&request={}", turn.other, turn.run, turn.number))
}

/// A link that somebody has used is over.
fn once() -> Case {
    case(
        "A17 once",
        "each link that the user's address leads to is good for one request",
        "the whole file",
        Play::once(leads).connections(8).other({
            let used = Mutex::new(HashSet::new());
            move |request, _| {
                let is_first = used.lock().insert(request.path.clone());
                if is_first { file(1).answer(request).drip(LENGTH) } else { Answer::status(403) }
            }
        }),
    )
}

fn led() -> Vec<Case> {
    const MUST: &str = "asks the user's own address again, and goes on";
    /// Links of the first run are `over` in the second.
    fn expiring(over: fn() -> Answer) -> Play {
        Play::resumed(leads).first(leads).ours(went_on).other(move |request, turn| {
            match (turn.run, request.path.contains("run=1&")) {
                (1, _) => file(1).answer(request).stall_after(HALF),
                (_, true) => over(),
                _ => file(1).answer(request),
            }
        })
    }
    vec![
        case("A17", "the signed link behind a redirect has expired: 403", MUST, expiring(|| Answer::status(403))),
        case("A17 401", "the same: 401", MUST, expiring(|| Answer::status(401))),
        case("A17 404", "the same: 404", MUST, expiring(|| Answer::status(404))),
        case("A17 410", "the same: 410", MUST, expiring(|| Answer::status(410))),
        case("A17 400", "the same: 400", MUST, expiring(|| Answer::status(400))),
        case(
            "A17 dead",
            "the server behind the redirect breaks every connection",
            MUST,
            expiring(|| Answer::hang_up(Cut::Reset)),
        ),
        case(
            "A17 always",
            "every link that the user's address leads to has expired: 403",
            "a failure that says so; the part stays as it is",
            Play::resumed(leads)
                .first(leads)
                .other(|request, turn| match turn.run {
                    1 => file(1).answer(request).stall_after(HALF),
                    _ => Answer::status(403),
                })
                .refused(&["HTTP_FORBIDDEN", "LINK_EXPIRED"])
                .ours(super::redirect::keeps_its_part),
        ),
        case(
            "A17 within",
            "the link expires while the file comes, and the connection breaks",
            MUST,
            Play::once(leads).other(|request, turn| match turn.number {
                1 => file(1).answer(request).cut_after(HALF, Cut::Reset),
                _ if request.path.ends_with("request=1") => Answer::status(403),
                _ => file(1).answer(request),
            }),
        ),
        case(
            "A17 blind",
            "the link has expired, and nothing names the version",
            MUST,
            expiring(|| Answer::status(403)).other(|request, turn| {
                let file = file(1).without_validators();
                match (turn.run, request.path.contains("run=1&")) {
                    (1, _) => file.answer(request).stall_after(HALF),
                    (_, true) => Answer::status(403),
                    _ => file.answer(request),
                }
            }),
        ),
    ]
}

/// A right head over bytes of another place.
fn shifted(request: &Request) -> Answer {
    let (start, end) = wanted(request);
    let (from, to) = (start.saturating_sub(1024), end.saturating_sub(1024.min(start)));
    file(1).part(start, end).pattern(file(1).pattern(), from, to)
}

fn mixed() -> Vec<Case> {
    const MUST: &str = "one version alone";
    let blind = |seed| file(seed).without_validators();
    vec![
        case(
            "V18",
            "no version is named; the connection breaks, and what follows is another file of the same length",
            MUST,
            Play::once(move |request, turn| match turn.number {
                1 => blind(1).whole().cut_after(HALF, Cut::End),
                _ => blind(2).answer(request),
            })
            .becomes(file(2)),
        ),
        case(
            "V18 each",
            "no version is named, and each answer is another file of the same length",
            MUST,
            Play::resumed(move |_, turn| blind(1 + turn.number as u64).whole())
                .from(blind(1))
                .right((2..40).map(|seed| Version::Served(blind(seed)))),
        ),
        case(
            "V2 each",
            "another version under another tag at each request",
            MUST,
            Play::resumed(|request, turn| file(1 + turn.number as u64).answer(request))
                .right((2..40).map(|seed| Version::Served(file(seed)))),
        ),
        case(
            "V18 led",
            "no version is named; the resumed request is redirected to another file of the same length",
            MUST,
            Play::resumed(leads).from(blind(1)).other(move |request, _| blind(2).answer(request)).becomes(file(2)),
        ),
        case(
            "V18 shifted",
            "a range under the right tag and the right head brings bytes of another place, each time",
            MUST,
            always(shifted),
        ),
        case(
            "V18 shifted once",
            "the same, once",
            MUST,
            Play::resumed(|request, turn| match turn.number {
                1 if request.range().is_some() => shifted(request),
                _ => file(1).answer(request),
            })
            .ours(went_on),
        ),
    ]
}

/// Two machines behind one name, with other files of the same length.
fn two_machines() -> Vec<Case> {
    const MUST: &str = "one version alone";
    let blind = |seed| file(seed).without_validators();
    vec![
        case(
            "V18 segments",
            "two machines behind one name have other files of the same length, and name no version",
            MUST,
            Play::once(move |request, _| blind(1 + request.number as u64 % 2).answer(request).drip(2 * LENGTH))
                .right([Version::Served(file(1)), Version::Served(file(2))])
                .connections(8),
        ),
        case(
            "V18 ranges",
            "the machine that serves ranges has another file of the same length, and no version is named",
            MUST,
            Play::once(move |request, _| {
                let served = if request.range().is_some() { blind(2) } else { blind(1) };
                served.answer(request).drip(2 * LENGTH)
            })
            .right([Version::Served(file(1)), Version::Served(file(2))])
            .connections(8),
        ),
    ]
}

/// Tags of one file by the number of the request.
fn tagged(tag: fn(usize) -> String) -> Play {
    Play::once(move |request, _| {
        let served = ServedFile::new(1, LENGTH).header("ETag", &tag(request.number));
        served.answer(request).cut_after(PIECE, Cut::End)
    })
    .ours(|outcome| {
        let sent = outcome.sent();
        (sent > 3 * LENGTH).then(|| format!("{sent} bytes for a file of {LENGTH}"))
    })
}

fn tags() -> Vec<Case> {
    const MUST: &str = "the bytes are compared, and it goes on";
    vec![
        case(
            "V19",
            "two machines behind one name have a tag each, and every connection breaks",
            MUST,
            tagged(|number| format!("\"edge-{}\"", number % 2)),
        ),
        case("V19 many", "every answer has a tag of its own", MUST, tagged(|number| format!("\"{number}\""))),
        case(
            "V19 weak",
            "the tag becomes a weak one",
            MUST,
            Play::resumed(|request, _| ServedFile::new(1, LENGTH).header("ETag", "W/\"x\"").answer(request))
                .from(ServedFile::new(1, LENGTH).header("ETag", "\"x\""))
                .ours(went_on),
        ),
    ]
}

fn framing() -> Vec<Case> {
    [chunks(), vec![second()]].concat()
}

fn second() -> Case {
    case(
        "S28",
        "the server speaks HTTP/2 alone, and takes no handshake that does not offer it",
        "the whole file",
        Play::once(|request, _| file(1).answer(request)).shield(Shield::Http2).connections(8),
    )
}

fn chunks() -> Vec<Case> {
    const BODY: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\nabc\r\n0\r\n\r\n";
    vec![
        case(
            "N6 stubborn",
            "the same chunk has a size that is no number, each time",
            "fails soon, and says what is wrong",
            Play::once(|_, _| Answer::raw(BODY)).watch(20).refused(&["SERVER_BAD_RESPONSE"]),
        ),
        case(
            "N5 killed",
            "killed midway, and every answer to a range ends behind 128 KiB",
            "goes on each time",
            Play::resumed(|request, _| match request.range() {
                Some(_) => file(1).answer(request).cut_after(128 * 1024, Cut::End),
                None => file(1).whole().framing(Framing::Close),
            })
            .runs(Runs::Killed(HALF)),
        ),
    ]
}
