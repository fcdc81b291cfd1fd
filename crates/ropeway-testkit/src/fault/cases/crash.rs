//! K: killed in the middle, and started again.

use super::super::case::{Case, HALF, LENGTH, NAME, Play, Runs, case, file};
use crate::peer::ServedFile;

pub(super) fn cases() -> Vec<Case> {
    const MUST: &str = "goes on or starts again; the file is whole";
    let killed_at = |bytes: u64| {
        Play::resumed(|request, _| file(1).answer(request))
            .first(move |request, _| file(1).answer(request).stall_after(bytes))
            .runs(Runs::Killed(bytes))
    };
    let eight = || ServedFile::new(1, 8 * LENGTH);
    vec![
        case("K2", "killed behind the first kibibyte", MUST, killed_at(1024)),
        case("K3", "killed at the half", MUST, killed_at(HALF)),
        case("K5", "killed with every byte there and nothing said", MUST, killed_at(LENGTH)),
        case(
            "K4",
            "killed while eight connections share the file",
            MUST,
            Play::resumed(move |request, _| eight().answer(request))
                .first(move |request, _| eight().answer(request).drip(LENGTH / 4))
                .runs(Runs::Killed(LENGTH))
                .becomes(eight())
                .connections(8),
        ),
        case(
            "K6",
            "killed between the proof of the last byte and the rename",
            "finished by the next start; not a byte is fetched again",
            Play::once(|request, _| file(1).answer(request))
                .runs(Runs::Struck("renameat2:signal=KILL", NAME))
                .everybody(|outcome| {
                    (outcome.sent() > 0).then(|| format!("{} bytes were fetched again", outcome.sent()))
                })
                .ours(|outcome| (outcome.names() != [NAME]).then(|| format!("beside it are {:?}", outcome.names()))),
        ),
        case(
            "K4 changed",
            "the same, and the file changes before it goes on",
            "the new version alone",
            Play::resumed(move |request, _| ServedFile::new(2, 8 * LENGTH).answer(request))
                .first(move |request, _| eight().answer(request).drip(LENGTH / 4))
                .runs(Runs::Killed(LENGTH))
                .becomes(ServedFile::new(2, 8 * LENGTH))
                .connections(8),
        ),
    ]
}
