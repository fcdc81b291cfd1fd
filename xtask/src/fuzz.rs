//! Fuzzing of every reader of outside text: headers, cookies, `.netrc`, Metalinks, file names, lists of addresses, pasted
//! commands, settings.

use std::{fs, process::Command, thread};

use anyhow::{Context, Result, bail};

use crate::{
    place,
    setup::{
        apt::{self, Need},
        cargo_tools,
    },
    shell,
};

/// The targets, as `fuzz/Cargo.toml` has them.
const TARGETS: [&str; 13] = [
    "content_disposition",
    "content_range",
    "range",
    "digest_field",
    "retry_after",
    "cookies",
    "metalink",
    "file_name",
    "netrc",
    "set_cookie",
    "address_list",
    "curl_command",
    "settings_text",
];
/// Targets that run side by side.
const AT_ONCE: usize = 2;
/// Longest input in octets: more only makes each run slower.
const LONGEST_INPUT: u32 = 4096;
/// Seconds for one input; more is a defect.
const LONGEST_RUN: u32 = 10;
/// Memory of one target in MiB; more is a defect.
const MOST_MEMORY: u32 = 1024;

/// What is fuzzed, and for how long.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Seconds for each target.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Targets, separated by commas; all without it.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

/// Installs what is missing, and fuzzes.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    apt::install(&[Need::Build])?;
    cargo_tools::install()?;
    let is_wanted = |target: &&&str| arguments.only.is_empty() || arguments.only.iter().any(|only| only == **target);
    let targets: Vec<&str> = TARGETS.iter().filter(is_wanted).copied().collect();
    if targets.is_empty() {
        bail!("the targets are {}", TARGETS.join(", "));
    }
    all(&targets, arguments.seconds)
}

/// Fuzzes every target for some seconds, from the seeds in the repository; what is found stays in the target folder.
pub(crate) fn briefly(seconds: u32) -> Result<()> {
    all(&TARGETS, seconds)
}

fn all(targets: &[&str], seconds: u32) -> Result<()> {
    shell::run(&mut fuzz(&["build"]))?;
    let mut failed = Vec::new();
    for some in targets.chunks(AT_ONCE) {
        let ran: Vec<Result<u64>> = thread::scope(|scope| {
            let running: Vec<_> = some.iter().map(|target| scope.spawn(|| one(target, seconds))).collect();
            let joined = running.into_iter().map(thread::ScopedJoinHandle::join);
            joined.map(|ran| ran.unwrap_or_else(|_| bail!("the runner panicked"))).collect()
        });
        for (target, ran) in some.iter().zip(ran) {
            match ran {
                Ok(count) => println!("{target:20} {count:>12} executions"),
                Err(error) => {
                    println!("{target:20} failed: {error:#}");
                    failed.push(*target);
                }
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("fuzzing found something in {}", failed.join(", ")) }
}

/// Fuzzes one target; tells how often its input was read.
fn one(target: &str, seconds: u32) -> Result<u64> {
    let found = place::target().join("fuzz").join("corpus").join(target);
    fs::create_dir_all(&found).with_context(|| format!("cannot create {}", found.display()))?;
    let mut command = fuzz(&["run"]);
    command.arg(target).arg(&found).arg(place::root().join("fuzz").join("seeds").join(target)).arg("--");
    // Words that chance does not find: options, attributes, keys.
    let dictionary = place::root().join("fuzz").join("dictionaries").join(target);
    if dictionary.exists() {
        command.arg(format!("-dict={}", dictionary.display()));
    }
    for (name, value) in [
        ("max_total_time", seconds),
        ("max_len", LONGEST_INPUT),
        ("timeout", LONGEST_RUN),
        ("rss_limit_mb", MOST_MEMORY),
        ("print_final_stats", 1),
    ] {
        command.arg(format!("-{name}={value}"));
    }
    // What did not hold stands above the frames, which are many.
    command.env("RUST_BACKTRACE", "0");
    let output = command.output().context("cargo fuzz cannot be started")?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let end: Vec<&str> = told.lines().rev().take(30).collect();
        bail!("{}", end.into_iter().rev().collect::<Vec<_>>().join("\n"));
    }
    executions(&told).context("the fuzzer did not say how often it ran")
}

/// `cargo fuzz` on the stable toolchain: it asks for unstable flags, which need no nightly compiler. No sanitizer, since
/// the code that is fuzzed has no `unsafe` in it.
fn fuzz(arguments: &[&str]) -> Command {
    let mut command = shell::cargo(&["fuzz"]);
    command.args(arguments).args(["--fuzz-dir", "fuzz", "--sanitizer", "none"]);
    command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", place::target().join("fuzz"));
    command
}

/// The fuzzer's own count.
fn executions(told: &str) -> Option<u64> {
    let line = told.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fuzzers_count_is_found_among_its_words() {
        let told =
            "INFO: Seed: 1\nDone 5 runs in 2 second(s)\nstat::number_of_executed_units: 12345\nstat::slowest: 0\n";
        assert_eq!(executions(told), Some(12_345));
        assert_eq!(executions("nothing"), None);
    }

    #[test]
    fn every_target_of_the_workspace_is_run_and_has_seeds() {
        let folder = place::root().join("fuzz");
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
        for target in TARGETS {
            assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
            assert!(fs::read_dir(folder.join("seeds").join(target)).unwrap().count() >= 3, "{target}");
        }
    }
}
