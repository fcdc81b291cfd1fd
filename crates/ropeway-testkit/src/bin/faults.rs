//! Plays the cases of the fault server against the clients of this machine, and writes what comes out into a page.
//!
//! `faults --ropeway PROGRAM [--page FILE] [--only ID]… [--client NAME]… [--at-once N] [--trace]`

#![expect(clippy::unwrap_used, reason = "a run that cannot go on ends")]
#![expect(clippy::print_stdout, reason = "a command line for developers talks on the terminal")]

use std::{path::PathBuf, sync::Arc};

use ropeway_testkit::fault::{self, Case, Client, Proof, Report, Verdict, page};
use tokio::sync::Semaphore;

/// What the command line says.
struct Wish {
    ropeway: PathBuf,
    page: Option<PathBuf>,
    only: Vec<String>,
    clients: Vec<Client>,
    at_once: usize,
    trace: bool,
}

fn wish() -> Wish {
    let mut wish =
        Wish { ropeway: "ropeway".into(), page: None, only: Vec::new(), clients: Vec::new(), at_once: 6, trace: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| panic!("{word} wants a value"));
        match word.as_str() {
            // The clients are started in folders of their own.
            "--ropeway" => wish.ropeway = std::path::absolute(value()).unwrap(),
            "--page" => wish.page = Some(value().into()),
            "--only" => wish.only.push(value()),
            "--client" => {
                let name = value();
                let client = Client::ALL.into_iter().find(|client| client.program() == name);
                wish.clients.push(client.unwrap_or_else(|| panic!("no client is called {name}")));
            }
            "--at-once" => wish.at_once = value().parse().unwrap(),
            "--trace" => wish.trace = true,
            other => panic!("{other} means nothing here"),
        }
    }
    if wish.clients.is_empty() {
        wish.clients = Client::ALL.to_vec();
    }
    wish
}

#[tokio::main]
async fn main() {
    let wish = Arc::new(wish());
    let chosen = |case: &Case| wish.only.is_empty() || wish.only.iter().any(|id| case.id.starts_with(id.as_str()));
    let cases: Vec<_> = fault::all().into_iter().filter(chosen).collect();
    let room = Arc::new(Semaphore::new(wish.at_once));
    let under_way: Vec<_> = cases
        .iter()
        .map(|case| {
            let play = |client: &Client| tokio::spawn(one(case.clone(), *client, Arc::clone(&wish), Arc::clone(&room)));
            wish.clients.iter().map(play).collect::<Vec<_>>()
        })
        .collect();
    let mut rows = Vec::new();
    for (case, reports) in cases.iter().zip(under_way) {
        let mut row = Vec::new();
        for report in reports {
            row.extend(report.await.unwrap());
        }
        rows.push((case, row));
    }
    let columns: Vec<_> = wish
        .clients
        .iter()
        .map(|client| (*client, client.version(&program(*client, &wish)).unwrap_or_else(|| "?".to_owned())))
        .collect();
    let table = page::table(&columns, &rows);
    match &wish.page {
        None => println!("{table}"),
        Some(file) => {
            let old = std::fs::read_to_string(file).unwrap();
            let new = page::insert(&old, &table).unwrap_or_else(|| panic!("{} has lost its marks", file.display()));
            #[expect(clippy::disallowed_methods, reason = "a page of the sources, no file of a user's")]
            std::fs::write(file, new).unwrap();
            println!("Written into {}", file.display());
        }
    }
}

fn program(client: Client, wish: &Wish) -> PathBuf {
    if client == Client::Ropeway { wish.ropeway.clone() } else { client.program().into() }
}

async fn one(case: Case, client: Client, wish: Arc<Wish>, room: Arc<Semaphore>) -> Option<Report> {
    let Proof::Play(play) = &case.proof else { return None };
    let _place = room.acquire().await.unwrap();
    let mut report = fault::try_out(play, client, &program(client, &wish)).await;
    if report.verdict == Verdict::Hangs && !play.is_slow() {
        // A busy machine may be to blame: who hangs, hangs twice.
        report = fault::try_out(play, client, &program(client, &wish)).await;
    }
    println!("{:<16} {:<8} {} {}", case.id, client.program(), report.verdict, report.note);
    if wish.trace && !matches!(report.verdict, Verdict::Right | Verdict::NotApplicable) {
        println!("{}\n", report.trace);
    }
    Some(report)
}
