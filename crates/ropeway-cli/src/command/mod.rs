//! The commands, one file each.

mod add;
mod address_list;
mod answer;
mod change;
mod checksum;
mod checksums;
pub(crate) mod control;
mod daemon;
mod get;
mod leftover;
mod limit;
mod list;
mod metalink;
mod moment;
mod move_job;
mod numbers;
mod open;
pub(crate) mod options;
mod pause;
mod put;
mod remove;
mod renew;
mod resume;
mod schedule;
mod serve;
mod servers;
mod show;
mod size;
mod verify;
mod wanted;
mod watch;

use crate::{error::CommandError, exit::Exit};

/// What `ropeway` can be told to do; each command's own docstring is its help.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Get(get::Get),
    Put(put::Put),
    Serve(serve::Serve),
    Daemon(daemon::Daemon),
    Open(open::Open),
    Add(add::Add),
    List(list::List),
    Show(show::Show),
    Pause(pause::Pause),
    Resume(resume::Resume),
    Change(change::Change),
    Renew(renew::Renew),
    Answer(answer::Answer),
    Remove(remove::Remove),
    Limit(limit::Limit),
    Schedule(schedule::Schedule),
    Move(move_job::MoveJob),
    Watch(watch::Watch),
    Servers(servers::ListServers),
    Verify(verify::Verify),
    Checksums(checksums::Checksums),
}

/// Carries a command out.
///
/// # Errors
/// [`CommandError`] if it could not be carried out at all.
pub(crate) async fn run(command: Command) -> Result<Exit, CommandError> {
    match command {
        Command::Get(get) => get.run().await,
        Command::Put(put) => put.run().await,
        Command::Serve(serve) => serve.run().await,
        Command::Daemon(daemon) => daemon.run().await,
        Command::Open(open) => open.run().await,
        Command::Add(add) => add.run().await,
        Command::List(list) => list.run().await,
        Command::Show(show) => show.run().await,
        Command::Pause(pause) => pause.run().await,
        Command::Resume(resume) => resume.run().await,
        Command::Change(change) => change.run().await,
        Command::Renew(renew) => renew.run().await,
        Command::Answer(answer) => answer.run().await,
        Command::Remove(remove) => remove.run().await,
        Command::Limit(limit) => limit.run().await,
        Command::Schedule(schedule) => schedule.run().await,
        Command::Move(move_job) => move_job.run().await,
        Command::Watch(watch) => watch.run().await,
        Command::Servers(servers) => servers.run().await,
        Command::Verify(verify) => verify.run().await,
        Command::Checksums(checksums) => checksums.run().await,
    }
}
