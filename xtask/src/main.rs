//! `cargo xtask`: everything a contributor or a newcomer does with this repository, each in one command that brings
//! its own set-up along.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line for developers talks on the terminal")]
#![allow(clippy::disallowed_methods, reason = "the disk and clock seams are the engine's; nothing here is user data")]

mod bench;
mod check;
mod demo;
mod digest;
mod faults;
mod fuzz;
mod icons;
mod limits;
mod lines;
mod page;
mod pattern;
mod place;
mod process;
mod queue;
mod run;
mod setup;
mod shell;
mod sim;
mod step;
mod test;
mod ui;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Set-up, run, test and bench of Ropeway.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Installs what is missing to build, run and test.
    Setup,
    /// Builds and opens the window on your own queue; without a display, starts the daemon.
    Run {
        /// Shows the whole product at work, on a queue and in a folder of its own.
        #[arg(long)]
        demo: bool,
    },
    /// Runs every test: Rust, UI, page in a browser, real window.
    Test,
    /// Format, clippy and svelte-check, warnings denied; cargo-deny where it is installed.
    Check,
    /// Builds the web UI into `ui/dist`, if its sources are newer.
    Ui,
    /// Makes all icons from their one drawing.
    Icons,
    /// Fuzzes every reader of outside text.
    Fuzz(fuzz::Arguments),
    /// Runs whole jobs on a simulated network, disk and clock, from seeds.
    Sim(sim::Arguments),
    /// Measures Ropeway beside other clients and writes the table into docs/performance.md.
    Bench(bench::Arguments),
    /// Measures at the server how true limits are, beside other clients, and writes the table into docs/performance.md.
    Limits(limits::Arguments),
    /// Plays downloads over modelled lines and writes the table into docs/performance.md.
    Lines(lines::Arguments),
    /// Measures a daemon with a hundred thousand queued jobs and writes the table into docs/performance.md.
    Queue(queue::Arguments),
    /// Plays every fault against Ropeway and other clients and writes the verdicts into docs/faults.md.
    Faults(faults::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Setup => setup::everything(),
        Command::Run { demo: false } => run::own_queue(),
        Command::Run { demo: true } => run::demo(),
        Command::Test => test::everything(),
        Command::Check => check::everything(),
        Command::Ui => setup::npm::install(&place::ui()).and_then(|()| ui::build()),
        Command::Icons => icons::make(),
        Command::Fuzz(arguments) => fuzz::run(&arguments),
        Command::Sim(arguments) => sim::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Limits(arguments) => limits::run(&arguments),
        Command::Lines(arguments) => lines::run(&arguments),
        Command::Queue(arguments) => queue::run(&arguments),
        Command::Faults(arguments) => faults::run(&arguments),
    };
    ended(result)
}

fn ended(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
