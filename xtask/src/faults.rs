//! The cases of the fault server against Ropeway and the clients of this machine.

use anyhow::Result;

use crate::{
    place,
    setup::{apt, apt::Need},
    shell,
};

/// Which cases, against whom.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Cases whose names begin so; all of them otherwise. Their verdicts are shown, and the page stays as it is.
    #[arg(long)]
    only: Vec<String>,
    /// Clients: ropeway, curl, wget, wget2, aria2c; all of them otherwise.
    #[arg(long, requires = "only")]
    client: Vec<String>,
    /// Cases under way at once.
    #[arg(long, default_value_t = 8)]
    at_once: usize,
    /// Shows what led to a verdict that is not the best one.
    #[arg(long)]
    trace: bool,
}

/// Builds the program and the player, plays, and writes the table into docs/faults.md.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    apt::install(&[Need::Build, Need::Test, Need::Faults])?;
    let packages = ["-p", "ropeway-cli", "-p", "ropeway-testkit"];
    shell::run(shell::cargo(&["build", "--locked", "--bins"]).args(packages))?;
    let mut play = shell::command(place::built("debug", "faults"));
    play.arg("--ropeway").arg(place::built("debug", "ropeway")).args(["--at-once", &arguments.at_once.to_string()]);
    for case in &arguments.only {
        play.args(["--only", case]);
    }
    for client in &arguments.client {
        play.args(["--client", client]);
    }
    if arguments.trace {
        play.arg("--trace");
    }
    if arguments.only.is_empty() {
        play.arg("--page").arg(place::root().join("docs/faults.md"));
    }
    shell::run(&mut play)
}
