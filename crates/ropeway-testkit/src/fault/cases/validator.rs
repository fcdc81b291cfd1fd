//! V: what is resumed must be what was begun.

use std::path::Path;

use super::super::case::{Case, HALF, LENGTH, Play, case, file};
use crate::{
    fault::Outcome,
    peer::{Request, ServedFile},
};

/// Dates of two versions, and an hour later.
const OLD: &str = "Tue, 07 Jan 2025 10:00:00 GMT";
const NEW: &str = "Wed, 08 Jan 2025 10:00:00 GMT";
const LATER: &str = "Wed, 08 Jan 2025 11:00:00 GMT";
/// What may be on its way, or not yet written, when a client is stopped.
const IN_FLIGHT: u64 = 320 * 1024;

pub(super) fn cases() -> Vec<Case> {
    [same(), changed(), undated(), touched()].concat()
}

/// Served so for the first half, and so when it goes on.
fn then(before: ServedFile, now: ServedFile) -> Play {
    let right = now.clone();
    Play::resumed(move |request, _| now.answer(request)).from(before).becomes(right)
}

fn weak(served: ServedFile, tag: &str) -> ServedFile {
    served.without_validators().header("ETag", &format!("W/\"{tag}\""))
}

fn dated(served: ServedFile, modified: &str, date: &str) -> ServedFile {
    served.without_validators().header("Last-Modified", modified).header("Date", date)
}

/// Bytes that were there are not fetched again.
fn went_on(outcome: &Outcome) -> Option<String> {
    let sent = outcome.sent();
    (sent > LENGTH - HALF + IN_FLIGHT).then(|| format!("{sent} bytes for a rest of {}", LENGTH - HALF))
}

fn weak_in_condition(outcome: &Outcome) -> Option<String> {
    let is_weak = |request: &&Request| request.header("If-Range").is_some_and(|value| value.starts_with("W/"));
    let all = outcome.earlier.iter().chain(&outcome.requests);
    let mut weak = all.filter(is_weak);
    weak.next().map(|_| "a weak tag in If-Range".to_owned())
}

fn same() -> Vec<Case> {
    vec![
        case(
            "V1",
            "resumed under the same strong ETag",
            "one request with Range and If-Range; nothing is fetched twice",
            then(file(1), file(1)).ours(|outcome| match &outcome.requests[..] {
                [one] if one.range().is_some() && one.header("If-Range").is_some() => went_on(outcome),
                others => Some(format!("{} requests, or one without a condition", others.len())),
            }),
        ),
        case(
            "V3",
            "resumed under the same weak ETag",
            "the whole file; a weak tag never stands in If-Range",
            then(weak(file(1), "a"), weak(file(1), "a")).everybody(weak_in_condition),
        ),
        case(
            "V4",
            "resumed under the same Last-Modified, long past",
            "goes on: the date is strong",
            then(dated(file(1), OLD, LATER), dated(file(1), OLD, LATER)).ours(went_on),
        ),
        case(
            "V5",
            "resumed without any validator, unchanged",
            "the whole file",
            then(file(1).without_validators(), file(1).without_validators()),
        ),
        case(
            "V6",
            "the server has no If-Range: it answers 206 whatever is asked",
            "goes on, the tag compared",
            Play::resumed(|request, _| {
                let (start, end) = request.range().unwrap_or((0, None));
                if request.range().is_none() { file(1).whole() } else { file(1).part(start, end.unwrap_or(LENGTH)) }
            }),
        ),
    ]
}

fn changed() -> Vec<Case> {
    const MUST: &str = "the new version alone";
    vec![
        case("V2", "another strong ETag, the same length", MUST, then(file(1), file(2))),
        case(
            "V2 longer",
            "another strong ETag, a longer file",
            MUST,
            then(file(1), ServedFile::new(2, LENGTH + 100_000)),
        ),
        case(
            "V2 shorter",
            "another strong ETag, a file shorter than the part",
            MUST,
            then(file(1), ServedFile::new(2, HALF / 2)),
        ),
        case(
            "V2 blind",
            "another strong ETag, and the server ignores If-Range",
            MUST,
            Play::resumed(|request, _| match request.range() {
                Some((start, end)) => file(2).part(start, end.unwrap_or(LENGTH).min(LENGTH)),
                None => file(2).whole(),
            })
            .becomes(file(2)),
        ),
        case(
            "V3 changed",
            "another weak ETag, the same length",
            MUST,
            then(weak(file(1), "a"), weak(file(2), "b")).everybody(weak_in_condition),
        ),
        case(
            "V4 changed",
            "another Last-Modified, the same length",
            MUST,
            then(dated(file(1), OLD, LATER), dated(file(2), NEW, LATER)),
        ),
        case(
            "V9",
            "the file has grown, as a log does",
            "the whole new version",
            then(file(1), ServedFile::new(1, LENGTH + 100_000)),
        ),
    ]
}

fn undated() -> Vec<Case> {
    const MUST: &str = "the new version alone";
    vec![
        case(
            "V4 second",
            "changed within the second of Last-Modified",
            MUST,
            then(dated(file(1), NEW, NEW), dated(file(2), NEW, NEW)),
        ),
        case(
            "V5 changed",
            "no validator at all, changed, the same length",
            MUST,
            then(file(1).without_validators(), file(2).without_validators()),
        ),
        case(
            "V5 longer",
            "no validator at all, changed, a longer file",
            MUST,
            then(file(1).without_validators(), ServedFile::new(2, LENGTH + 100_000).without_validators()),
        ),
    ]
}

/// The file that is being downloaded, under whatever name the client has given it.
fn part(folder: &Path) -> Option<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.extension().is_some_and(|end| end != "aria2"))
        .max_by_key(|path| path.metadata().map_or(0, |of| of.len()))
}

fn change(folder: &Path, change: impl FnOnce(&mut std::fs::File)) {
    let Some(part) = part(folder) else { return };
    change(&mut std::fs::File::options().read(true).write(true).open(part).unwrap());
}

fn touched() -> Vec<Case> {
    use std::io::{Seek, SeekFrom, Write};
    const MUST: &str = "found; the file is whole";
    let touched = |between| then(file(1), file(1)).between(between);
    vec![
        case(
            "V10",
            "the part was cut short meanwhile",
            MUST,
            touched(|folder| {
                change(folder, |part| part.set_len(100_000).unwrap());
            }),
        ),
        case(
            "V10 longer",
            "foreign bytes were added to the part meanwhile",
            MUST,
            touched(|folder| {
                change(folder, |part| {
                    part.seek(SeekFrom::End(0)).unwrap();
                    part.write_all(&[0xee; 100_000]).unwrap();
                });
            }),
        ),
        case(
            "V10 edited",
            "a block of the part was overwritten meanwhile",
            MUST,
            touched(|folder| {
                change(folder, |part| {
                    part.seek(SeekFrom::Start(100_000)).unwrap();
                    part.write_all(&[0xee; 4096]).unwrap();
                });
            }),
        ),
        case(
            "V11",
            "the part was deleted meanwhile",
            "starts again",
            touched(|folder| {
                if let Some(part) = part(folder) {
                    std::fs::remove_file(part).unwrap();
                }
            }),
        ),
    ]
}
