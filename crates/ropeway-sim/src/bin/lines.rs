//! Plays modelled lines from the command line: `cargo xtask lines` is the way here.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line for developers talks on the terminal")]

use clap::Parser;
use ropeway_sim::lines::{Played, cases, play_all, table, thinned};

/// Plays every modelled line and prints a table in Markdown.
#[derive(Parser)]
struct Arguments {
    /// Only the lines of the continuous tests.
    #[arg(long)]
    thinned: bool,
    /// Prints what became of each line instead, with those first that took longest beside the ideal.
    #[arg(long)]
    each: bool,
    /// Only this one.
    #[arg(long)]
    line: Option<usize>,
    /// Plays each line after so many other downloads from its server.
    #[arg(long, default_value_t = 0)]
    before: u32,
}

fn main() {
    let arguments = Arguments::parse();
    let cases = if arguments.thinned { thinned() } else { cases() };
    let cases = match arguments.line {
        Some(line) => cases.into_iter().skip(line).take(1).collect(),
        None => cases,
    };
    let played = play_all(cases.clone(), arguments.before);
    if arguments.each {
        return tell(played);
    }
    println!("{} lines\n", cases.len());
    print!("{}", table(&played, &play_all(cases, 1)));
}

fn tell(mut played: Vec<Played>) {
    played.sort_by(|(one, took), (other, also)| (also.seconds / other.ideal).total_cmp(&(took.seconds / one.ideal)));
    for (case, out) in played {
        let line = case.line;
        println!(
            "{:6.2} {:8.3} of {:8.3} s, opened {:3} peak {:2} refused {:3} wasted {:.1} %: {:?} cap {:.2} together {:.0} size {} MiB bears {}{}{}{}{}",
            out.seconds / case.ideal,
            out.seconds,
            case.ideal,
            out.opened,
            out.peak,
            out.refused,
            out.wasted * 100.0,
            line.round_trip,
            line.cap / 1e6,
            line.together / 1e6,
            line.size >> 20,
            if line.bears == usize::MAX { 0 } else { line.bears },
            if line.is_silent { " silent" } else { "" },
            if line.is_secure { " tls" } else { "" },
            if line.slow > 0 { " slow" } else { "" },
            if line.stall.is_finite() { " stalls" } else { "" },
        );
    }
}
