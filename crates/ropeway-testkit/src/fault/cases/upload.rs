//! U: where files are sent to.

use super::super::case::{Case, End, LENGTH, Play, case};
use crate::{
    fault::Outcome,
    peer::{Answer, Cut, Intake, Request},
};

pub(super) fn cases() -> Vec<Case> {
    [addresses(), claims(), refusals()].concat()
}

/// Every file is taken.
fn takes(_: &Request) -> Answer {
    Answer::status(201)
}

/// A file that was put over another one.
fn overwritten(outcome: &Outcome) -> Option<String> {
    let puts: Vec<_> = outcome.requests.iter().filter(|request| request.method == "PUT").collect();
    let sent = |request: &Request| request.files.first().map(|file| file.sha256.clone());
    let is_over = |(place, put): (usize, &&Request)| {
        puts[..place].iter().any(|before| before.path == put.path && sent(before) != sent(put))
    };
    puts.iter().enumerate().find(|put| is_over(*put)).map(|(_, put)| format!("{} was sent twice", put.path))
}

fn addresses() -> Vec<Case> {
    vec![
        case(
            "U2",
            "two files, and a target without a slash at its end",
            "refused, or each at an address of its own; none over the other",
            Play::sent(&["a.txt", "b.txt"], |request, _| takes(request))
                .path("in")
                .end(End::Either)
                .everybody(overwritten),
        ),
        case(
            "U3",
            "two files of one name from two folders",
            "refused, or each at an address of its own; none over the other",
            Play::sent(&["x/a.txt", "y/a.txt"], |request, _| takes(request)).end(End::Either).everybody(overwritten),
        ),
        case(
            "U4",
            "`a\\report.txt` and `report.txt`",
            "each at an address of its own",
            Play::sent(&["a\\report.txt", "report.txt"], |request, _| takes(request)).everybody(overwritten),
        ),
    ]
}

/// What HEAD and GET are answered with; `PUT` with 201.
fn stores(stored: fn() -> Answer) -> Play {
    Play::sent(&["file.bin"], move |request, _| if request.method == "PUT" { takes(request) } else { stored() })
}

fn claims() -> Vec<Case> {
    const MUST: &str = "a failure: it is not there";
    let one = &["file.bin"];
    vec![
        case(
            "U5",
            "201 before the file was sent, and the connection ends",
            MUST,
            Play::sent(one, |_, _| Answer::status(201).intake(Intake::Refused(Cut::End)))
                .wish(|wish| wish.upload_length = 20 * LENGTH)
                .refused(&["SERVER_BAD_RESPONSE"]),
        ),
        case(
            "U7",
            "201, and half of the file is stored",
            MUST,
            stores(|| Answer::status(200).body(vec![0; 1 << 19])).refused(&["UPLOAD_DAMAGED"]),
        ),
        case("U7 nothing", "201, and nothing is stored", MUST, stores(|| Answer::status(404)).end(End::Refused)),
        case(
            "U7 page",
            "a sign-in page with 200",
            MUST,
            Play::sent(one, |_, _| {
                Answer::status(200).header("Content-Type", "text/html").body("<!doctype html><title>Sign in</title>")
            })
            .refused(&["SERVER_BAD_CONTENT"]),
        ),
        case(
            "U7 digest",
            "201 with the Repr-Digest of another file",
            MUST,
            Play::sent(one, |_, _| {
                let digest = "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:";
                Answer::status(201).header("Repr-Digest", digest)
            })
            .refused(&["UPLOAD_DAMAGED"]),
        ),
    ]
}

/// A form that the server had to the end, more than once.
fn posted_again(outcome: &Outcome) -> Option<String> {
    let whole = outcome.requests.iter().filter(|request| request.method == "POST" && request.body_complete).count();
    (whole > 1).then(|| format!("posted {whole} times"))
}

fn refusals() -> Vec<Case> {
    let one = &["file.bin"];
    let form = |status: u16| {
        Play::sent(one, move |_, _| Answer::status(status))
            .wish(|wish| wish.form = Some("file"))
            .watch(12)
            .end(End::Refused)
            .everybody(posted_again)
    };
    let says = |status: u16| {
        let words = r#"{"title":"Not now","detail":"Ask Mara."}"#;
        Play::sent(one, move |_, _| {
            Answer::status(status).header("Content-Type", "application/problem+json").body(words)
        })
        .watch(8)
        .ours(|outcome| {
            (!outcome.stderr.contains("Ask Mara.")).then(|| "it keeps the server's words to itself".to_owned())
        })
    };
    vec![
        case("U6", "500 to a form that was sent to its end", "a failure; it may have been processed", form(500)),
        case("U6 502", "the same with 502", "a failure; it may have been processed", form(502)),
        case("U6 504", "the same with 504", "a failure; it may have been processed", form(504)),
        case(
            "U6 cut",
            "the connection breaks while the file is sent, once",
            "sent again; the file is there",
            Play::sent(one, |request, turn| match (request.method.as_str(), turn.number) {
                ("PUT", 1) => takes(request).intake(Intake::CutAfter(LENGTH / 2, Cut::Reset)),
                ("PUT", _) => takes(request),
                _ => Answer::status(405),
            }),
        ),
        case(
            "U10",
            "503 with `Retry-After: 1`, once",
            "sent again when it may; the file is there",
            Play::sent(one, |request, turn| match (request.method.as_str(), turn.number) {
                ("PUT", 1) => Answer::status(503).header("Retry-After", "1"),
                ("PUT", _) => takes(request),
                _ => Answer::status(405),
            }),
        ),
        case("U11", "409, and the server says why", "a failure, with its words", says(409).refused(&["HTTP_CONFLICT"])),
        case("U11 507", "the same with 507", "a failure, with its words", says(507).refused(&["HTTP_STORAGE_FULL"])),
        case("U11 413", "the same with 413", "a failure, with its words", says(413).refused(&["HTTP_TOO_LARGE"])),
    ]
}
