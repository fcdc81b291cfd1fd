//! Whole jobs on a simulated network, disk and clock: seeds, and faults planted into a copy of the sources.

pub(crate) mod planted;

use anyhow::Result;

use crate::shell;

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = 5_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Runs this one alone and prints what happens.
    #[arg(long)]
    seed: Option<u64>,
    /// Goes on behind a seed that fails, and lists all that do.
    #[arg(long)]
    all: bool,
    /// Takes a protection away from outside, which some seed must find.
    #[arg(long, value_name = "NAME")]
    plant: Option<String>,
    /// Takes protections out of a copy of the sources, one at a time, and runs seeds until one fails.
    #[arg(long)]
    planted: bool,
    /// How many of the last lines of a failed run are printed.
    #[arg(long, default_value_t = 80)]
    lines: usize,
}

/// Runs the seeds.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.planted {
        return planted::run(arguments.seeds);
    }
    let mut command = shell::cargo(&["run", "--quiet", "--package", "ropeway-sim", "--bin", "ropeway-sim", "--"]);
    command.args(["--seeds", &arguments.seeds.to_string(), "--from", &arguments.from.to_string()]);
    command.args(["--lines", &arguments.lines.to_string()]);
    if let Some(seed) = arguments.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    if let Some(plant) = &arguments.plant {
        command.args(["--plant", plant]);
    }
    if arguments.all {
        command.arg("--all");
    }
    shell::run(&mut command)
}
