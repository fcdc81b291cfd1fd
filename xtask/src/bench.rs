//! Ropeway beside other clients: one machine, the same files, the same server, each client in turn.

mod clients;
mod lists;
mod measure;
mod server;
mod table;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};

use self::{
    clients::{Client, Scenario},
    measure::Figures,
    server::Server,
};
use crate::{
    place,
    setup::{self, apt, apt::Need},
    shell, ui,
};

const BEGIN: &str = "<!-- figures: begin -->";
const END: &str = "<!-- figures: end -->";

/// What is measured, and how thoroughly.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Scenarios, separated by commas.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "loop,tls,capped,uneven,many,many-tls,verify,one,sixteen,jobs1,jobs10,jobs50"
    )]
    only: Vec<Scenario>,
    /// Measured rounds a client, after one that is not counted.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Size of the large file in MiB.
    #[arg(long, default_value_t = 1024)]
    size: u64,
    /// Where the files lie; memory is best, since it is the clients that are measured and not the disk.
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// Builds the release program, measures, and writes the table into docs/performance.md.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    apt::install(&[Need::Build, Need::Test, Need::Bench])?;
    setup::npm::install(&place::ui())?;
    ui::build()?;
    shell::run(&mut shell::cargo(&["build", "--release", "--locked", "-p", "ropeway-cli"]))?;
    let folder = scratch(arguments)?;
    let server = Server::start(folder.path(), arguments.size)?;
    let mut text = String::new();
    for scenario in &arguments.only {
        println!("{scenario:?}");
        let clients = scenario.clients(&server);
        let mut rows = Vec::new();
        for client in &clients {
            match measured(client, &server, arguments.rounds) {
                Ok(row) => rows.push(row),
                // Another client that crashes or saves wrong bytes is left out of its table, and the others are raced on.
                Err(error) if client.name != clients::OURS => println!("  {} is left out: {error:#}", client.name),
                Err(error) => return Err(error),
            }
        }
        let part = table::of(*scenario, &rows);
        println!("{part}");
        text.push_str(&part);
    }
    drop(server);
    let page = place::root().join("docs/performance.md");
    let old = fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
    fs::write(&page, insert(&old, &text)?)?;
    println!("Written into docs/performance.md");
    Ok(())
}

/// A folder that goes away at the end: in memory where the system has such a place.
fn scratch(arguments: &Arguments) -> Result<measure::Scratch> {
    let memory = PathBuf::from("/dev/shm");
    let parent = arguments.folder.clone().unwrap_or_else(|| if memory.is_dir() { memory } else { place::target() });
    measure::Scratch::new(&parent)
}

fn measured(client: &Client, server: &Server, rounds: usize) -> Result<(&'static str, Figures)> {
    println!("  {} …", client.name);
    let rounds = (0..=rounds).map(|_| measure::once(client, server)).collect::<Result<Vec<_>>>();
    let rounds = rounds.with_context(|| format!("{} failed", client.name))?;
    Ok((client.name, Figures::median(&rounds[1..])))
}

/// Puts the figures between the page's two marks.
fn insert(page: &str, figures: &str) -> Result<String> {
    let (before, rest) = page.split_once(BEGIN).context("docs/performance.md has lost its opening mark")?;
    let (_, behind) = rest.split_once(END).context("docs/performance.md has lost its closing mark")?;
    Ok(format!("{before}{BEGIN}\n{figures}{END}{behind}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_replace_what_was_between_the_marks_and_nothing_else() {
        let page = format!("# Head\n{BEGIN}\nold\n{END}\nTail\n");
        let once = insert(&page, "new\n").unwrap();
        assert_eq!(once, format!("# Head\n{BEGIN}\nnew\n{END}\nTail\n"));
        assert_eq!(insert(&once, "new\n").unwrap(), once);
        assert!(insert("no marks", "new").is_err());
    }
}
