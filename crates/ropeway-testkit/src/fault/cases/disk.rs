//! D: the disk is full, sealed, failing, or already has the name.

use std::{fs, io::Write, path::Path};

use super::super::{
    case::{Case, End, LENGTH, NAME, Play, Version, case},
    ground::Ground,
};
use crate::{
    fault::Outcome,
    peer::{Framing, ServedFile},
};

const PRECIOUS: &[u8] = b"a file of the user's that was here before";

pub(super) fn cases() -> Vec<Case> {
    [room(), failing(), taken()].concat()
}

fn four() -> ServedFile {
    ServedFile::new(1, 4 * LENGTH)
}

fn honest() -> Play {
    Play::once(|request, _| four().answer(request)).becomes(four())
}

fn room() -> Vec<Case> {
    let small = Ground::Volume("size=1m");
    vec![
        case(
            "D1",
            "a file of 4 MiB for a volume of 1 MiB, its length known",
            "refused before the volume is full",
            honest().on(small).watch(8).refused(&["DISK_FULL"]),
        ),
        case(
            "D2",
            "a file of 4 MiB for a volume of 1 MiB, its length unknown",
            "parked or failed; the part is kept and nothing pretends to be the file",
            Play::once(|request, _| match request.range() {
                None => four().whole().framing(Framing::Chunked),
                Some(_) => four().answer(request),
            })
            .becomes(four())
            .on(small)
            .watch(8)
            .refused(&["DISK_FULL"]),
        ),
        case(
            "D10",
            "a file of 5 GiB for a FAT volume",
            "told before the first byte is written",
            Play::once(|request, _| ServedFile::new(1, 5 << 30).answer(request).drip(LENGTH))
                // The kernel says FAT's number where it is asked for the kind of the volume.
                .on(Ground::Failing("statfs:poke_exit=@arg2=444d000000000000"))
                .refused(&["DISK_FILE_TOO_LARGE"])
                .promised_by_ours(|outcome| {
                    let names = outcome.names();
                    (!names.is_empty()).then(|| format!("{names:?} were begun"))
                }),
        ),
        case(
            "D4",
            "a volume that is sealed",
            "a failure with its reason, and no file",
            honest().on(Ground::Volume("ro")).watch(8).refused(&["DISK_PERMISSION"]),
        ),
    ]
}

fn failing() -> Vec<Case> {
    vec![
        case(
            "D3",
            "the first fdatasync fails with EIO",
            "what was written since the last good one is fetched again, or it fails with a reason",
            honest().on(Ground::Failing("fdatasync:error=EIO:when=1")).end(End::Either),
        ),
        case(
            "D3 always",
            "every fdatasync fails with EIO",
            "never done, if it syncs at all",
            honest()
                .on(Ground::Failing("fdatasync:error=EIO"))
                .end(End::Either)
                .ours(|outcome| outcome.claims().then(|| "done although nothing was ever synced".to_owned())),
        ),
        case(
            "D3 write",
            "a write in the middle fails with EIO",
            "a failure with its reason, or the whole file",
            honest().on(Ground::Failing("pwrite64:error=EIO:when=3")).end(End::Either),
        ),
        case(
            "D14",
            "every fdatasync takes two seconds",
            "waits for the disk; the file is whole",
            honest().on(Ground::Failing("fdatasync:delay_enter=2s")),
        ),
        case(
            "D11",
            "the file system cannot preallocate",
            "falls back; the file is whole",
            honest().on(Ground::Failing("fallocate:error=EOPNOTSUPP")),
        ),
        case(
            "D17",
            "the volume has no locks, as some of a network",
            "does without; the file is whole",
            honest().on(Ground::Failing("flock:error=ENOLCK")),
        ),
        case(
            "D17 folder",
            "the volume syncs no folders, as that of some virtual machines",
            "the file is whole: it has its name, and more cannot be had",
            honest().on(Ground::FailingAt("fsync:error=EINVAL", "")),
        ),
        case(
            "X2",
            "24 descriptors for eight connections",
            "fewer connections; the whole file, or a failure with its reason",
            honest().on(Ground::Descriptors(24)).connections(8).end(End::Either),
        ),
    ]
}

fn put(file: &Path) {
    fs::File::options().write(true).create_new(true).open(file).unwrap().write_all(PRECIOUS).unwrap();
}

/// The user's file has the bytes it had.
fn spared(outcome: &Outcome, name: &str) -> Option<String> {
    let had = fs::read(outcome.folder.join(name)).unwrap_or_default();
    (had != PRECIOUS).then(|| "a file that was there before is overwritten".to_owned())
}

fn taken() -> Vec<Case> {
    vec![
        case(
            "D8",
            "a file of that name is there already",
            "it keeps its bytes; the new one gets another name",
            honest()
                .before(|folder| put(&folder.join(NAME)))
                .right([Version::Bytes(PRECIOUS.into())])
                .everybody(|outcome| spared(outcome, NAME))
                .ours(|outcome| {
                    let beside = four().pattern().first_difference(&outcome.folder.join("file (1).bin"), 4 * LENGTH);
                    beside.map(|at| format!("the new file differs at {at}"))
                }),
        ),
        case(
            "F10",
            "a link is planted under the final name",
            "not followed: what it points to keeps its bytes",
            honest()
                .before(|folder| {
                    put(&folder.join("../victim"));
                    std::os::unix::fs::symlink("../victim", folder.join(NAME)).unwrap();
                })
                .right([Version::Bytes(PRECIOUS.into()), Version::Served(four())])
                .end(End::Either)
                .everybody(|outcome| spared(outcome, "../victim")),
        ),
        case(
            "F10 part",
            "a link is planted under the name of the unfinished file",
            "not followed: what it points to keeps its bytes",
            honest()
                .before(|folder| {
                    put(&folder.join("../victim"));
                    std::os::unix::fs::symlink("../victim", folder.join("file.bin.part")).unwrap();
                })
                .wish(|wish| wish.is_named_by_server = true)
                .end(End::Either)
                .everybody(|outcome| spared(outcome, "../victim")),
        ),
    ]
}
