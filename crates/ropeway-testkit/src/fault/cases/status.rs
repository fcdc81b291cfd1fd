//! S, third part: statuses without a file, servers that ask for patience, digests that do not fit.

use std::time::{Duration, SystemTime};

use super::super::case::{Case, End, LENGTH, Play, case, file};
use crate::{
    fault::Outcome,
    peer::{Answer, Request},
};

/// Seconds of a year.
const YEAR: u64 = 365 * 24 * 60 * 60;

pub(super) fn cases() -> Vec<Case> {
    [fileless(), patience(), refused(), digests()].concat()
}

fn fileless() -> Vec<Case> {
    const MUST: &str = "a failure, and no file";
    let always = |status| Play::once(move |_, _| Answer::status(status)).watch(8);
    let none = &["SERVER_BAD_CONTENT", "HTTP_REFUSED", "SERVER_BAD_RESPONSE"];
    vec![
        case("S18", "204 No Content", MUST, always(204).refused(none)),
        case("S18 205", "205 Reset Content", MUST, always(205).refused(none)),
        case("S18 304", "304 Not Modified to a plain request", MUST, always(304).refused(none)),
        case(
            "S18 202",
            "202 Accepted with a page",
            MUST,
            Play::once(|_, _| Answer::status(202).header("Content-Type", "text/html").body("<p>We are preparing it."))
                .watch(8)
                .refused(none),
        ),
        case(
            "S18 300",
            "300 Multiple Choices with a page",
            MUST,
            Play::once(|_, _| Answer::status(300).header("Content-Type", "text/html").body("<p>Which one?"))
                .watch(8)
                .refused(&["HTTP_REFUSED", "SERVER_BAD_CONTENT", "REDIRECT_REFUSED", "SERVER_BAD_RESPONSE"]),
        ),
    ]
}

fn refused() -> Vec<Case> {
    const MUST: &str = "a failure with its name at once, and no file";
    let always = |status| {
        let page = move |_: &Request, _: &_| Answer::status(status).header("Content-Type", "text/html").body("<p>No.");
        Play::once(page).watch(8)
    };
    vec![
        case("S21 404", "404 with a page", MUST, always(404).refused(&["HTTP_NOT_FOUND"])),
        case("S21 410", "410 with a page", MUST, always(410).refused(&["HTTP_GONE"])),
        case("S21 403", "403 with a page", MUST, always(403).refused(&["HTTP_FORBIDDEN"])),
        case(
            "S21 500 always",
            "500 with a page, always",
            "a failure in the end, and no file",
            always(500).end(End::NeverDone).everybody(|outcome| {
                let asked = outcome.requests.len();
                (asked > 8).then(|| format!("asked {asked} times in {} s", outcome.took.as_secs()))
            }),
        ),
        case(
            "S21 500",
            "500 once, with a page",
            "tried again; the file is whole",
            Play::once(|request, turn| match turn.number {
                1 => Answer::status(500).header("Content-Type", "text/html").body("<p>Oops."),
                _ => file(1).answer(request),
            }),
        ),
    ]
}

/// 429 with this `Retry-After` once, then the file.
fn after(value: fn() -> String) -> Play {
    Play::once(move |request, turn| match turn.number {
        1 => Answer::status(429).header("Retry-After", &value()),
        _ => file(1).answer(request),
    })
}

fn date_in(seconds: u64) -> String {
    #[expect(clippy::disallowed_methods, reason = "a date on the wire is the wall clock's")]
    let now = SystemTime::now();
    httpdate::fmt_http_date(now + Duration::from_secs(seconds))
}

/// The second request came too early by the server's word.
fn waited(outcome: &Outcome, least: Duration) -> Option<String> {
    let [first, second, ..] = &outcome.requests[..] else { return None };
    let waited = second.at.duration_since(first.at);
    (waited < least).then(|| format!("asked again after {} ms", waited.as_millis()))
}

fn patience() -> Vec<Case> {
    const MUST: &str = "asks again when it may, and then has the file";
    vec![
        case(
            "S22",
            "429 with `Retry-After: 2`",
            MUST,
            after(|| "2".to_owned()).everybody(|outcome| waited(outcome, Duration::from_millis(1_900))),
        ),
        case(
            "S22 date",
            "429 with a date three seconds ahead",
            MUST,
            // A date has whole seconds: up to one of them is lost.
            after(|| date_in(3)).everybody(|outcome| waited(outcome, Duration::from_millis(1_900))),
        ),
        case("S22 past", "429 with a date long ago", MUST, after(|| "Mon, 06 Nov 1995 08:49:37 GMT".to_owned())),
        case("S22 garbage", "429 with a garbled Retry-After", MUST, after(|| "soon".to_owned())),
        case(
            "T4",
            "429 with a date two seconds ahead, by a server whose clock is a year ahead",
            "counts from the server's own clock, and then has the file",
            Play::once(|request, turn| match turn.number {
                1 => Answer::status(429).header("Date", &date_in(YEAR)).header("Retry-After", &date_in(YEAR + 2)),
                _ => file(1).answer(request),
            }),
        ),
        case(
            "S22 503",
            "503 with `Retry-After: 2`",
            MUST,
            Play::once(|request, turn| match turn.number {
                1 => Answer::status(503).header("Retry-After", "2"),
                _ => file(1).answer(request),
            })
            .everybody(|outcome| waited(outcome, Duration::from_millis(1_900))),
        ),
        case(
            "S22 always",
            "429 with `Retry-After: 2`, always",
            "asks no sooner than it may; a failure in the end",
            Play::once(|_, _| Answer::status(429).header("Retry-After", "2"))
                .end(End::NeverDone)
                .watch(8)
                .everybody(|outcome| waited(outcome, Duration::from_millis(1_900))),
        ),
        case(
            "S22 years",
            "429 with `Retry-After: 1000000000`",
            "does not ask again meanwhile; parked or given up",
            Play::once(|_, _| Answer::status(429).header("Retry-After", "1000000000"))
                .end(End::NeverDone)
                .watch(4)
                .everybody(|outcome| {
                    let asked = outcome.requests.len();
                    (asked > 1).then(|| format!("asked {asked} times"))
                }),
        ),
        case(
            "S23 one",
            "503 without end",
            "asks less and less often",
            Play::once(|_, _| Answer::status(503)).end(End::NeverDone).watch(8).everybody(|outcome| {
                let asked = outcome.requests.len();
                (asked > 8).then(|| format!("asked {asked} times in {} s", outcome.took.as_secs()))
            }),
        ),
    ]
}

/// One byte of the body was damaged on its way, once or always; the digest in the head is that of the real file.
fn damaged(name: &'static str, value: &'static str, is_always: bool) -> Play {
    Play::once(move |request, turn| {
        let answer = file(1).answer(request).header(name, value);
        if turn.number == 1 || is_always {
            let mut body = file(1).pattern().bytes(0, LENGTH).to_vec();
            body[4711] ^= 1;
            answer.body(body)
        } else {
            answer
        }
    })
    .end(End::Either)
}

fn digests() -> Vec<Case> {
    const MUST: &str = "the damage is found: the right file or a failure";
    vec![
        case(
            "S25",
            "the body does not have its Repr-Digest",
            MUST,
            damaged("Repr-Digest", "sha-256=:hbZrOlgW1obetC8tJHPZpxIc63XIIrg4+VjHbKhu2Oo=:", false),
        ),
        case(
            "S25 md5",
            "the body does not have its Content-MD5",
            MUST,
            damaged("Content-MD5", "+QQoanlxd7f8OsV1xH96Wg==", false),
        ),
        case(
            "S25 always",
            "no body has its Repr-Digest",
            "a failure, and no file",
            damaged("Repr-Digest", "sha-256=:hbZrOlgW1obetC8tJHPZpxIc63XIIrg4+VjHbKhu2Oo=:", true)
                .refused(&["CHECKSUM_MISMATCH"]),
        ),
        case(
            "S25 md5 always",
            "no body has its Content-MD5",
            "a failure, and no file",
            damaged("Content-MD5", "+QQoanlxd7f8OsV1xH96Wg==", true).refused(&["CHECKSUM_MISMATCH"]),
        ),
        case(
            "V12",
            "the file does not have the checksum the user gave",
            "a failure, and the final name never appears",
            Play::once(|request, _| file(1).answer(request))
                .wish(|wish| wish.sha256 = Some("0".repeat(64)))
                .refused(&["CHECKSUM_MISMATCH"]),
        ),
    ]
}
