//! The simulator in the tests: many seeds hold, planted faults are found, a seed goes the same way twice.

use ropeway_sim::{Plant, run, run_many};

/// How many seeds the continuous tests run.
const SEEDS: u64 = 5_000;

#[test]
fn every_invariant_holds_whatever_the_seed() {
    let runs = run_many(0, SEEDS, None, true);
    if let Some(report) = runs.failed.first() {
        let seed = report.seed;
        panic!("{:#?}\ncargo xtask sim --seed {seed}: {:#?}", report.trace, report.wrong);
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
