//! F: names that are weapons.

use std::path::Path;

use bytes::Bytes;

use super::super::case::{Case, End, Play, Version, case, file};
use crate::{fault::Outcome, peer::Answer};

pub(super) fn cases() -> Vec<Case> {
    [given(), vec![given_by_the_user()], acted_on(), addressed()].concat()
}

/// The file under a name that the server gives.
fn named(field: &'static str) -> Play {
    Play::once(move |request, _| file(1).answer(request).header("Content-Disposition", &format!("attachment; {field}")))
        .wish(|wish| wish.is_named_by_server = true)
        .everybody(harmless)
}

/// Nothing is outside of the folder, and nothing in it is hidden, a flag, or a control sequence.
fn harmless(outcome: &Outcome) -> Option<String> {
    let parent = outcome.folder.parent()?;
    let outside: Vec<_> = std::fs::read_dir(parent)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name != "work")
        .collect();
    if !outside.is_empty() {
        return Some(format!("{outside:?} appeared outside of the folder"));
    }
    let names = outcome.names();
    let bad =
        |name: &&String| name.split('/').any(|step| step.starts_with(['.', '-'])) || name.chars().any(char::is_control);
    names.iter().find(bad).map(|name| format!("it is saved as {name:?}"))
}

fn given() -> Vec<Case> {
    const MUST: &str = "saved in the folder under a harmless name";
    vec![
        case("F2", "the server names it `../../evil.bin`", MUST, named("filename=\"../../evil.bin\"")),
        case("F2 root", "the server names it `/tmp/evil.bin`", MUST, named("filename=\"/tmp/ropeway-evil.bin\"")),
        case(
            "F2 encoded",
            "the server names it `..%2Fevil.bin`, encoded as RFC 8187 has it",
            MUST,
            named("filename*=UTF-8''..%2F..%2Fevil.bin"),
        ),
        case("F2 back", "the server names it `..\\evil.bin`", MUST, named("filename=\"..\\\\..\\\\evil.bin\"")),
        case("F2 dots", "the server names it `..`", MUST, named("filename=\"..\"")),
        case(
            "F3",
            "the server's name has control characters in it",
            MUST,
            named("filename*=UTF-8''a%1B%5B2Jb%0Ac.bin"),
        ),
        case(
            "F17",
            "the server encodes the name as in mail (RFC 2047)",
            "saved under the name that was meant",
            named("filename=\"=?UTF-8?B?w7xtbGF1dC5iaW4=?=\"").ours(|outcome| {
                let names = outcome.names();
                (names != ["ümlaut.bin"]).then(|| format!("it is saved as {names:?}"))
            }),
        ),
        case("F9", "the server names it `-rf`", MUST, named("filename=\"-rf\"")),
        case("F9 dot", "the server names it `.bashrc`", MUST, named("filename=\".bashrc\"")),
        case(
            "F14",
            "the server's name is 5,000 characters long",
            MUST,
            Play::once(|request, _| {
                let field = format!("attachment; filename=\"{}.bin\"", "long".repeat(1_250));
                file(1).answer(request).header("Content-Disposition", &field)
            })
            .wish(|wish| wish.is_named_by_server = true)
            .everybody(harmless),
        ),
    ]
}

/// A zip archive with one stored file named `../evil`, whose checksum is that of its five bytes.
fn zip_slip() -> Bytes {
    const CRC_OF_HELLO: u32 = 0x3610_a686;
    let name = b"../evil";
    let common = |version: &[u8]| {
        let sizes = [5_u32.to_le_bytes(), 5_u32.to_le_bytes()].concat();
        [version, &[0; 8], &CRC_OF_HELLO.to_le_bytes(), &sizes, &[7, 0, 0, 0]].concat()
    };
    let local = [&b"PK\x03\x04"[..], &common(&[10, 0]), name, b"hello"].concat();
    let central = [&b"PK\x01\x02"[..], &common(&[10, 0, 10, 0]), &[0; 14], name].concat();
    let word = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
    let end = [&b"PK\x05\x06\0\0\0\0\x01\0\x01\0"[..], &word(central.len()), &word(local.len()), &[0, 0]].concat();
    [local, central, end].concat().into()
}

/// The file tells an address, and no secret with it.
fn marked(outcome: &Outcome) -> Option<String> {
    let name = outcome.names().pop()?;
    let mut value = [0; 1024];
    let length = rustix::fs::lgetxattr(outcome.folder.join(name), "user.xdg.origin.url", &mut value[..]).unwrap_or(0);
    let told = String::from_utf8_lossy(&value[..length]).into_owned();
    let secret = ["s3cret", "s1gned"].into_iter().find(|secret| told.contains(secret));
    match secret {
        Some(secret) => Some(format!("the file tells {secret:?} to whoever gets it")),
        None => (!told.starts_with("http://127.0.0.1:")).then(|| "it does not tell where it came from".to_owned()),
    }
}

fn acted_on() -> Vec<Case> {
    vec![
        case(
            "F6",
            "the server names it `start.desktop`, a file that starts programs",
            "saved under a name that no file manager acts on",
            named("filename=\"start.desktop\"").promised_by_ours(|outcome| {
                let starts = |name: &String| Path::new(name).extension().is_some_and(|kind| kind == "desktop");
                outcome.names().into_iter().find(starts).map(|name| format!("it is saved as {name:?}"))
            }),
        ),
        case(
            "F15",
            "a file from an address with a login and a signed query",
            "tells where it came from (`user.xdg.origin.url`), without its secrets",
            Play::once(|request, _| file(1).answer(request))
                .path("@ann:s3cret@?X-Amz-Signature=s1gned")
                .wish(|wish| wish.is_marked = true)
                .right([Version::Served(file(1))])
                .wish(|wish| wish.is_named_by_server = true)
                .everybody(marked),
        ),
        case(
            "F12",
            "an archive with a file named `../evil` in it",
            "saved as it is: nothing is unpacked",
            Play::once(|_, _| Answer::status(200).body(zip_slip()).header("Content-Type", "application/zip"))
                .right([Version::Made(zip_slip)])
                .everybody(harmless),
        ),
    ]
}

/// As long as a name can be.
const LONGEST: &str = concat!(
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
    "012345678901234567890123456789012345678901234567890.bin",
);

fn given_by_the_user() -> Case {
    case(
        "F16",
        "the user gives a name of 255 octets, and the download is resumed",
        "saved under that name, though no ending fits behind it",
        Play::resumed(|request, _| file(1).answer(request)).wish(|wish| wish.output = Some(LONGEST)),
    )
}

fn addressed() -> Vec<Case> {
    const MUST: &str = "saved in the folder under a harmless name, or refused";
    let at = |path: &'static str| {
        let play = Play::once(|request, _| file(1).answer(request)).path(path);
        play.wish(|wish| wish.is_named_by_server = true).end(End::Either).everybody(harmless)
    };
    vec![
        case("F2 url", "the address ends in `%2e%2e%2fevil.bin`", MUST, at("a/%2e%2e%2fevil.bin")),
        case("F2 twice", "the address ends in `%252e%252e%252fevil.bin`", MUST, at("a/%252e%252e%252fevil.bin")),
        case("F9 url", "the address ends in `-rf`", MUST, at("-rf")),
        case("F9 slash", "the address has no last step", MUST, at("folder/")),
        case(
            "F2 moved",
            "a redirect leads to `/..%2f..%2fevil.bin`",
            MUST,
            Play::once(|request, _| match request.path.as_str() {
                "/start" => Answer::redirect(302, "/x/..%2f..%2fevil.bin"),
                _ => file(1).answer(request),
            })
            .path("start")
            .wish(|wish| wish.is_named_by_server = true)
            .end(End::Either)
            .everybody(harmless),
        ),
    ]
}
