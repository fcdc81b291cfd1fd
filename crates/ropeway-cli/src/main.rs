//! `ropeway`: transfers from a terminal or a script, the headless daemon, and the verbs that steer a running queue.

mod arguments;
#[cfg(feature = "queue")]
mod command;
mod complaint;
#[cfg(feature = "queue")]
mod error;
mod exit;
mod logging;
#[cfg(feature = "queue")]
mod output;
#[cfg(feature = "queue")]
mod run;
#[cfg(feature = "serve")]
mod serve;
mod signal;
mod terminal;

#[cfg(not(any(feature = "queue", feature = "serve")))]
compile_error!("a `ropeway` without `queue` and `serve` could do nothing");

use std::{io, num::NonZero, process::ExitCode, thread};

use clap::Parser;

use crate::{
    arguments::CommandLine,
    complaint::{Complaint, SystemRefused},
    exit::Exit,
};

/// More threads than this wait for the same disk and the same network card.
const MOST_WORKERS: usize = 4;
/// Threads for what blocks: syncing, hashing, reading back. Each has a stack and memory of its own, and more of them
/// only wait for the same disk. Nothing that waits for another one's turn sits on them, but one reader of a list.
const MOST_BLOCKING: usize = 8;

fn main() -> ExitCode {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(shown) => return show(&shown),
    };
    logging::start(line.verbose);
    ropeway_files::raise_limit();
    let exit = match start_runtime() {
        Ok(runtime) => {
            let exit = runtime.block_on(line.command.run());
            // A thread may still wait for a line of the terminal; nobody wants that line any more.
            runtime.shutdown_background();
            exit
        }
        Err(cause) => Err(SystemRefused::from(cause).into()),
    };
    let exit = exit.unwrap_or_else(|complaint| {
        complaint.print();
        complaint.exit
    });
    with_output(exit).into()
}

/// Prints what was asked for in the place of a command, or what is wrong with the command line.
fn show(shown: &clap::Error) -> ExitCode {
    let written = shown.print();
    if shown.use_stderr() {
        return ExitCode::from(Exit::BadUsage);
    }
    terminal::note(written);
    with_output(Exit::Complete).into()
}

/// The exit code where not all of the output arrived: nobody may take what is there for all there is. A reader that has
/// seen enough is no reason for a word.
fn with_output(exit: Exit) -> Exit {
    let Some(error) = terminal::lost_output() else { return exit };
    if error.kind() != io::ErrorKind::BrokenPipe {
        Complaint::of_output(&error).print();
    }
    if exit == Exit::Complete { Exit::Failed } else { exit }
}

fn start_runtime() -> io::Result<tokio::runtime::Runtime> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(processors.min(MOST_WORKERS))
        .max_blocking_threads(MOST_BLOCKING)
        .enable_all()
        .build()
}
