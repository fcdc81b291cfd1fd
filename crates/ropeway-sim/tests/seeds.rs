//! The simulator in the tests: many seeds hold, planted faults are found, a seed goes the same way twice.

use std::time::{SystemTime, UNIX_EPOCH};

use ropeway_sim::{Plant, run, run_many};

/// How many seeds the continuous tests run.
const SEEDS: u64 = 5_000;

/// Each day begins where the one before it ended: what no seed has shown yet, a later one may.
#[expect(
    clippy::disallowed_methods,
    reason = "the date is what the day's seeds follow from; each run is its seed's alone"
)]
fn first_of_today() -> u64 {
    const DAY: u64 = 24 * 60 * 60;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    now.as_secs() / DAY * SEEDS
}

#[test]
fn every_invariant_holds_whatever_the_seed() {
    let runs = run_many(first_of_today(), SEEDS, None, true);
    if let Some(report) = runs.failed.first() {
        let seed = report.seed;
        panic!("{:#?}\ncargo xtask sim --seed {seed}: {:#?}", report.trace, report.wrong);
    }
}

/// Runs that found a defect of the engine or of the simulator, with what it was. Which run a number stands for changes
/// with the scenarios: whoever changes those looks for runs that find the same, by `cargo xtask sim --all` on sources
/// without the repair.
const FOUND: [(u64, &str); 17] = [
    (501_726, "wrong pieces were taken out of a map of bytes that were not synced yet"),
    (581, "a file renamed by a process that was killed was recorded as complete before its name was durable"),
    (724, "one wrong piece of two mirrors: the right one was blamed, the wrong one asked alone, and none was left"),
    (716, "a part file was given up late, when its name had become another job's"),
    (1024, "a single answer was left for portions where every answer has a tag of its own"),
    (2149, "a part file got the name of one that an earlier command had recorded and never made"),
    (4793, "a wish that was in force already was promised before it was recorded"),
    (1847, "portions under a limit ended in ever smaller ones, too small to be compared"),
    (1_000_884, "a mirror was believed because it had kept its version, which another lead's had been held against"),
    (1_003_146, "a renamed file of another job was claimed for its name and length"),
    (103_935_309, "a link that was over before the next request was kept again and again"),
    (103_936_485, "a question that came in the last round was answered by nobody"),
    (103_940_213, "a lead that was of no use was to be asked alone, and the mirrors were left: nobody was asked"),
    (
        300_001_298,
        "where a redirect once led was asked as a mirror of its own, and the address that led there was left",
    ),
    (300_177_028, "the rest was to be had nowhere, every address had been left, and nobody was asked for the whole"),
    (34, "an upload was sent at once to a server that had no time to say what it takes, and when to come back"),
    (18_025, "what had come of an earlier version of a source was recorded of the upload of the next one"),
];

#[test]
fn what_was_found_once_is_not_found_again() {
    for (seed, what) in FOUND {
        let report = run(seed, None);
        assert!(report.wrong.is_empty(), "seed {seed}: {:?}; it once found: {what}", report.wrong);
    }
}

#[test]
fn a_seed_goes_the_same_way_twice() {
    for seed in 0..200 {
        let (first, second) = (run(seed, None), run(seed, None));
        assert_eq!((first.digest, first.events), (second.digest, second.events), "seed {seed}");
    }
}

#[test]
fn every_planted_fault_is_found() {
    for plant in Plant::ALL {
        let runs = run_many(0, SEEDS, Some(plant), true);
        assert!(!runs.failed.is_empty(), "{plant:?} was not found in {} seeds", runs.count);
    }
}
