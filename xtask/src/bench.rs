//! Ropeway beside other clients: one machine, the same files, the same server, each client in turn.

mod clients;
mod lists;
mod measure;
mod server;
mod table;

use std::path::PathBuf;

use anyhow::{Context, Result};

pub(crate) use self::measure::Scratch;
use self::{
    clients::{Client, Scenario},
    measure::Figures,
    server::Server,
};
use crate::{
    page, place,
    setup::{self, apt, apt::Need},
    shell, ui,
};

const MARKS: page::Marks = page::Marks { begin: "<!-- figures: begin -->", end: "<!-- figures: end -->" };

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
    page::write(&place::root().join("docs/performance.md"), &MARKS, &text)
}

/// A folder that goes away at the end: in memory where the system has such a place.
fn scratch(arguments: &Arguments) -> Result<Scratch> {
    let memory = PathBuf::from("/dev/shm");
    let parent = arguments.folder.clone().unwrap_or_else(|| if memory.is_dir() { memory } else { place::target() });
    Scratch::new(&parent)
}

fn measured(client: &Client, server: &Server, rounds: usize) -> Result<(&'static str, Figures)> {
    println!("  {} …", client.name);
    let rounds = (0..=rounds).map(|_| measure::once(client, server)).collect::<Result<Vec<_>>>();
    let rounds = rounds.with_context(|| format!("{} failed", client.name))?;
    Ok((client.name, Figures::median(&rounds[1..])))
}
