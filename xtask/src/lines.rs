//! Single downloads over modelled lines, in virtual time: how long each takes beside the shortest time possible.

use anyhow::{Context as _, Result};

use crate::{page, place, shell};

const MARKS: page::Marks = page::Marks { begin: "<!-- lines: begin -->", end: "<!-- lines: end -->" };

/// What to play.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only the lines of the continuous tests.
    #[arg(long)]
    thinned: bool,
}

/// Plays the lines, and writes the table into docs/performance.md.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut command = shell::cargo(&["run", "--quiet", "--package", "ropeway-sim", "--bin", "lines", "--"]);
    if arguments.thinned {
        command.arg("--thinned");
    }
    let table =
        shell::output(&mut command).context("the lines cannot be played: cargo run -p ropeway-sim --bin lines")?;
    page::write(&place::root().join("docs/performance.md"), &MARKS, &format!("\n{table}\n"))
}
