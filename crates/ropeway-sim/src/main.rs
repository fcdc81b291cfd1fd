//! Runs seeds from the command line: `cargo xtask sim` is the way here.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line for developers talks on the terminal")]

use std::{process::ExitCode, time::Instant};

use clap::Parser;
use ropeway_sim::{Plant, Report, Runs, run, run_many};

/// Runs whole jobs on a simulated network, disk and clock, and checks the invariants.
#[derive(Parser)]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = 5_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Runs this one alone and prints what happens.
    #[arg(long)]
    seed: Option<u64>,
    /// Takes a protection away, which some seed must find.
    #[arg(long)]
    plant: Option<Plant>,
    /// Goes on behind a seed that fails, and lists all that do.
    #[arg(long)]
    all: bool,
    /// How many of the last lines of a failed run are printed.
    #[arg(long, default_value_t = 80)]
    lines: usize,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(seed) = arguments.seed {
        let report = run(seed, arguments.plant);
        tell(&report, arguments.lines);
        println!("seed {seed}: {} events, digest {:016x}", report.events, report.digest);
        return if report.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let started = Instant::now();
    let Runs { count, failed } = run_many(arguments.from, arguments.seeds, arguments.plant, !arguments.all);
    let seconds = started.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate to read")]
    let rate = count as f64 / seconds;
    println!("{count} seeds in {seconds:.1} s, {rate:.0} a second");
    if arguments.all {
        for report in &failed {
            println!("seed {}: {}", report.seed, report.wrong.join("; "));
        }
    }
    match failed.first() {
        None => ExitCode::SUCCESS,
        Some(report) => {
            if !arguments.all {
                tell(report, arguments.lines);
            }
            let plant = arguments.plant.map(|plant| format!(" --plant {}", plant.name())).unwrap_or_default();
            println!("seed {} fails; again: cargo xtask sim --seed {}{plant}", report.seed, report.seed);
            ExitCode::FAILURE
        }
    }
}

fn tell(report: &Report, lines: usize) {
    for line in report.trace.iter().skip(report.trace.len().saturating_sub(lines)) {
        println!("{line}");
    }
    for wrong in &report.wrong {
        eprintln!("seed {}: {wrong}", report.seed);
    }
}
