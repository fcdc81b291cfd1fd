//! A, first part: redirects and portals.

use super::super::case::{Case, End, HALF, Play, case, file};
use crate::{
    fault::{Outcome, stage::Shield},
    peer::{Answer, Request},
};

const SECRETS: [&str; 5] = ["Authorization", "Cookie", "Proxy-Authorization", "X-Api-Key", "X-Auth-Token"];

pub(super) fn cases() -> Vec<Case> {
    [chains(), origins(), places(), portals()].concat()
}

fn chains() -> Vec<Case> {
    vec![
        case(
            "A1",
            "a redirect to itself",
            "a failure that names the redirect",
            Play::once(|_, _| Answer::redirect(302, "/file.bin")).watch(10).refused(&["REDIRECT_REFUSED"]),
        ),
        case(
            "A1 endless",
            "every redirect leads to a new address",
            "a failure that names the redirect",
            Play::once(|request, _| {
                let hop: u32 = request.path.trim_start_matches('/').parse().unwrap_or(0);
                Answer::redirect(302, &format!("/{}", hop + 1))
            })
            .watch(10)
            .refused(&["REDIRECT_REFUSED"]),
        ),
        case(
            "A1 few",
            "six redirects of all kinds, then the file",
            "the whole file",
            Play::once(|request, _| {
                let hop: usize = request.path.trim_start_matches('/').parse().unwrap_or(0);
                let statuses = [301, 302, 303, 307, 308, 302];
                match statuses.get(hop) {
                    Some(status) => Answer::redirect(*status, &format!("/{}", hop + 1)),
                    None => file(1).answer(request),
                }
            })
            .path("0")
            .wish(|wish| wish.is_named_by_server = true),
        ),
        case(
            "A1 made",
            "the file is being made: a redirect to itself four times, then the file",
            "the whole file",
            Play::once(|request, turn| match turn.number {
                1..=4 => Answer::redirect(302, "/file.bin"),
                _ => file(1).answer(request),
            }),
        ),
        case(
            "A1 cookie",
            "a redirect to itself that sets a cookie, and the file for whom has it",
            "the whole file",
            Play::once(|request, _| match request.header("Cookie") {
                Some("check=1") => file(1).answer(request),
                _ => Answer::redirect(302, "/file.bin").header("Set-Cookie", "check=1; Path=/"),
            }),
        ),
        case(
            "A1 octets",
            "a Location with an octet that is no UTF-8",
            "the octet is sent back as it is",
            Play::once(|request, _| match request.path.as_str() {
                "/caf%E9/file.bin" => file(1).answer(request),
                _ => Answer::raw(
                    b"HTTP/1.1 302 Found\r\nLocation: /caf\xe9/file.bin\r\nContent-Length: 0\r\n\r\n".to_vec(),
                ),
            }),
        ),
        case(
            "A1 bare",
            "302 without Location",
            "a failure, and no file",
            Play::once(|_, _| Answer::status(302).body("<p>Moved.")).watch(10).end(End::NeverDone),
        ),
    ]
}

/// A secret that the other origin saw.
fn leaked(outcome: &Outcome) -> Option<String> {
    let seen = |name: &&&str| outcome.elsewhere.iter().any(|request| request.header(name).is_some());
    let names: Vec<_> = SECRETS.iter().filter(seen).copied().collect();
    (!names.is_empty()).then(|| format!("{} went to another origin", names.join(", ")))
}

fn to_other(status: u16) -> Play {
    Play::once(move |_, turn| Answer::redirect(status, &format!("{}file.bin", turn.other)))
        .other(|request, _| file(1).answer(request))
        .everybody(leaked)
}

fn origins() -> Vec<Case> {
    const MUST: &str = "the secret stays with its origin; the file is whole";
    vec![
        case(
            "A2",
            "redirected to another port with `X-Api-Key` on the request",
            MUST,
            to_other(302).wish(|wish| wish.headers = vec![("X-Api-Key", "secret")]),
        ),
        case(
            "A2 bearer",
            "redirected to another port with a bearer token",
            MUST,
            to_other(307).wish(|wish| wish.headers = vec![("Authorization", "Bearer secret")]),
        ),
        case(
            "A2 cookie",
            "redirected to another port with a cookie of the user's",
            MUST,
            to_other(301).wish(|wish| wish.headers = vec![("Cookie", "session=secret")]),
        ),
        case(
            "A9",
            "redirected to another port with a user name and password",
            MUST,
            to_other(302).wish(|wish| wish.login = Some(("ann", "secret"))),
        ),
        case(
            "A9 url",
            "the password stands in the address, and it redirects",
            MUST,
            to_other(302).path("@ann:secret@"),
        ),
        case(
            "A2 agent",
            "redirected to another port that wants the User-Agent and the Referer of the user",
            "both go along, since they are no secrets; the file is whole",
            Play::once(|_, turn| Answer::redirect(302, &format!("{}file.bin", turn.other)))
                .other(|request, _| match (request.header("User-Agent"), request.header("Referer")) {
                    (Some("Mozilla/5.0"), Some("http://example.org/")) => file(1).answer(request),
                    _ => Answer::status(403),
                })
                .wish(|wish| {
                    wish.headers = vec![("User-Agent", "Mozilla/5.0"), ("Referer", "http://example.org/")];
                }),
        ),
        case(
            "A9 told",
            "a redirect names a login of its own for another port",
            "no server has a say over whom the user logs in as; the file is whole",
            Play::once(|_, turn| {
                Answer::redirect(302, &format!("{}file.bin", turn.other).replace("://", "://ann:s3cret@"))
            })
            .other(|request, _| file(1).answer(request))
            .everybody(|outcome| {
                let is_told = outcome.elsewhere.iter().any(|request| request.header("Authorization").is_some());
                is_told.then(|| "the login that a server wrote was sent".to_owned())
            }),
        ),
        case(
            "A3",
            "https redirects to http",
            "refused: what was asked for in private is not fetched in the open",
            Play::once(|_, turn| Answer::redirect(302, &format!("{}file.bin", turn.other)))
                .other(|request, _| file(1).answer(request))
                .shield(Shield::Trusted)
                .refused(&["REDIRECT_REFUSED"]),
        ),
    ]
}

fn places() -> Vec<Case> {
    const MUST: &str = "a failure that names the redirect, and no file";
    let to = |target: &'static str| {
        Play::once(move |_, _| Answer::redirect(302, target)).watch(10).refused(&["REDIRECT_REFUSED"])
    };
    vec![
        case("A4", "redirected to file:///etc/passwd", MUST, to("file:///etc/passwd")),
        case("A4 data", "redirected to a data: address", MUST, to("data:application/octet-stream,hello")),
        case("A4 gopher", "redirected to a gopher: address", MUST, to("gopher://127.0.0.1:1/file.bin")),
        case("A4 ftp", "redirected to an ftp: address", MUST, to("ftp://127.0.0.1:1/file.bin")),
    ]
}

fn portal(_: &Request) -> Answer {
    let page = "<!doctype html><title>Wi-Fi</title><form>Please log in to use this network.</form>";
    Answer::status(200).header("Content-Type", "text/html").header("Cache-Control", "no-store").body(page)
}

/// What stands in the place of a program, offered as a file to keep.
fn offered(media_type: &str, body: &'static str) -> Answer {
    let disposition = "attachment; filename=\"setup.exe\"";
    Answer::status(200).header("Content-Type", media_type).header("Content-Disposition", disposition).body(body)
}

fn portals() -> Vec<Case> {
    const MUST: &str = "a failure or patience; the part stays as it is and no page becomes the file";
    const BAD: &[&str] = &["SERVER_BAD_CONTENT"];
    vec![
        case(
            "N15 offered",
            "a login page that is offered as a program to keep",
            "a failure; no page becomes the file",
            Play::once(|_, _| offered("text/html", "<!doctype html><title>Sign in</title>")).watch(8).refused(BAD),
        ),
        case(
            "N15 message",
            "an error message of a program, in JSON, with status 200",
            "a failure; no message becomes the file",
            Play::once(|_, _| offered("application/json", "{\"error\":\"token expired\"}")).watch(8).refused(BAD),
        ),
        case(
            "N15",
            "a captive portal answers the resumed request with 200 and a page",
            MUST,
            Play::resumed(|request, _| portal(request)).end(End::NeverDone).watch(6).ours(keeps_its_part),
        ),
        case(
            "N15 redirect",
            "a captive portal redirects the resumed request to its login page",
            MUST,
            Play::resumed(|_, turn| Answer::redirect(302, &format!("{}login", turn.other)))
                .other(|request, _| portal(request))
                .end(End::NeverDone)
                .watch(6)
                .ours(keeps_its_part),
        ),
        case(
            "N15 marked",
            "the portal's page has an entity tag and a date of its own",
            MUST,
            Play::resumed(|request, _| marked(portal(request))).end(End::NeverDone).watch(6).ours(keeps_its_part),
        ),
        case(
            "N15 first",
            "a captive portal answers the first request for `file.bin` with 200 and a page",
            "a failure: no page becomes the file",
            Play::once(|request, _| marked(portal(request))).end(End::NeverDone),
        ),
    ]
}

/// The same as a server sends it that has the page as a file.
fn marked(page: Answer) -> Answer {
    page.header("ETag", "\"portal-1\"").header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
}

/// The part is there, with the bytes that were there.
pub(super) fn keeps_its_part(outcome: &Outcome) -> Option<String> {
    let part = std::fs::read(outcome.folder.join("file.bin.part")).unwrap_or_default();
    let begun = file(1).pattern().bytes(0, HALF / 2);
    (!part.starts_with(&begun)).then(|| "the part is gone".to_owned())
}
