//! Every test there is. Nothing is skipped: what cannot be installed is named, and fails.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::{fuzz, place, setup, shell, sim, step::Steps, ui};

/// The programs that the black-box tests start, as they are told of them.
const PROGRAMS: [(&str, &str); 2] = [("ROPEWAY_BIN", "ropeway"), ("ROPEWAY_DESKTOP_BIN", "ropeway-desktop")];

/// Seconds that each fuzz target gets here: enough to read all seeds and some thousand inputs made of them.
const FUZZ_SECONDS: u32 = 5;

/// Seeds that must find each protection that is taken out of a copy of the sources: each was found within 1,200, and a
/// change of the engine moves what a seed plays.
const PLANTED_SEEDS: u64 = 5_000;

/// Tests that are run at once for each processor: they wait for servers, clocks and disks as long as they work.
const TESTS_PER_PROCESSOR: usize = 2;

/// Builds everything and runs every test.
pub(crate) fn everything() -> Result<()> {
    let mut steps = Steps::default();
    steps.need("set-up", setup::everything)?;
    steps.need("web UI", ui::build)?;
    // Programs and tests in one go: with the tests' dependencies in, the features are those that nextest sees,
    // and nothing is compiled twice.
    steps
        .need("build", || shell::run(&mut shell::cargo(&["build", "--workspace", "--bins", "--tests", "--locked"])))?;
    steps.also("Rust tests", rust);
    steps.also("planted faults", || sim::planted::run(PLANTED_SEEDS));
    steps.also("documentation tests", || {
        shell::run(&mut shell::cargo(&["test", "--workspace", "--doc", "--locked", "--quiet"]))
    });
    steps.also("fuzzing, briefly", || fuzz::briefly(FUZZ_SECONDS));
    steps.also("generated TypeScript", contract);
    steps.also("UI tests", || shell::run(&mut shell::npm(&place::ui(), &["test"])));
    steps.also("page in a browser", || black_box(shell::npm(&place::web_tests(), &["test"])));
    steps.also("real window", || {
        // The system's own, which sees the system's own bindings to the desktop.
        let mut command = shell::command("/usr/bin/python3");
        command.arg(place::desktop_tests().join("run.py"));
        black_box(command)
    });
    steps.close()
}

/// Where the Rust tests write the TypeScript of the contract in this run: beside the sources, so that a run leaves
/// them as they were.
fn generated() -> std::path::PathBuf {
    place::target().join("xtask").join("gen")
}

fn rust() -> Result<()> {
    let fresh = generated();
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    let threads = std::thread::available_parallelism()?.get() * TESTS_PER_PROCESSOR;
    let mut command = shell::cargo(&["nextest", "run", "--workspace", "--locked", "--no-fail-fast"]);
    command.args(["--test-threads", &threads.to_string()]);
    for (key, name) in PROGRAMS {
        command.env(key, place::built("debug", name));
    }
    shell::run(command.env("TS_RS_EXPORT_DIR", fresh))
}

/// Compares the committed TypeScript with what the Rust tests have just written.
fn contract() -> Result<()> {
    let committed = place::ui().join("src/gen");
    let drift = drift(&texts(&committed)?, &texts(&generated())?);
    if !drift.is_empty() {
        bail!(
            "ui/src/gen is not what ropeway-api generates ({}).\nRun `cargo test -p ropeway-api` and commit the folder.",
            drift.join(", ")
        );
    }
    Ok(())
}

fn texts(folder: &Path) -> Result<BTreeMap<String, String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    entries
        .map(|entry| {
            let file = entry?.path();
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Ok((name, fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?))
        })
        .collect()
}

fn drift(committed: &BTreeMap<String, String>, fresh: &BTreeMap<String, String>) -> Vec<String> {
    let mut names: Vec<&String> = committed.keys().chain(fresh.keys()).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .filter_map(|name| match (committed.get(name), fresh.get(name)) {
            (Some(old), Some(new)) if old == new => None,
            (Some(_), Some(_)) => Some(format!("{name} differs")),
            (Some(_), None) => Some(format!("{name} is no longer generated")),
            (None, _) => Some(format!("{name} is missing")),
        })
        .collect()
}

/// Tests that drive the built programs from outside, as a user does.
fn black_box(mut command: Command) -> Result<()> {
    for (key, name) in PROGRAMS {
        command.env(key, place::built("debug", name));
    }
    shell::run(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drift_names_what_differs_what_is_missing_and_what_is_left_over() {
        let folder = |files: &[(&str, &str)]| {
            files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect::<BTreeMap<_, _>>()
        };
        let committed = folder(&[("Call.ts", "a"), ("Gone.ts", "b"), ("Same.ts", "c")]);
        let fresh = folder(&[("Call.ts", "A"), ("New.ts", "d"), ("Same.ts", "c")]);
        assert_eq!(
            drift(&committed, &fresh),
            ["Call.ts differs", "Gone.ts is no longer generated", "New.ts is missing"]
        );
        assert!(drift(&committed, &committed).is_empty());
    }
}
