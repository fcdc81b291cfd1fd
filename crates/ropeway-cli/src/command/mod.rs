//! The commands of the queue, one file each.

mod add;
mod address_list;
mod answer;
mod change;
mod checksum;
mod checksums;
pub(crate) mod control;
mod daemon;
mod get;
mod job_ids;
mod leftover;
mod limit;
mod list;
mod metalink;
mod move_job;
mod open;
pub(crate) mod options;
mod patch;
mod pause;
mod put;
mod remove;
mod renew;
mod resume;
mod schedule;
mod servers;
mod show;
mod time_arg;
mod verify;
mod watch;

use crate::{error::CommandError, exit::Exit};

/// Commands whose jobs end with this process; each command's own docstring is its help.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Once {
    Get(Box<get::Get>),
    Put(Box<put::Put>),
}

impl Once {
    /// Carries it out.
    ///
    /// # Errors
    /// [`CommandError`] if it could not be carried out at all.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        match self {
            Self::Get(get) => get.run().await,
            Self::Put(put) => put.run().await,
        }
    }
}

/// Commands of the queue that outlives them.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Lasting {
    Daemon(daemon::Daemon),
    Open(open::Open),
    Add(Box<add::Add>),
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

impl Lasting {
    /// Carries it out.
    ///
    /// # Errors
    /// [`CommandError`] if it could not be carried out at all.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        match self {
            Self::Daemon(daemon) => daemon.run().await,
            Self::Open(open) => open.run().await,
            Self::Add(add) => add.run().await,
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Pause(pause) => pause.run().await,
            Self::Resume(resume) => resume.run().await,
            Self::Change(change) => change.run().await,
            Self::Renew(renew) => renew.run().await,
            Self::Answer(answer) => answer.run().await,
            Self::Remove(remove) => remove.run().await,
            Self::Limit(limit) => limit.run().await,
            Self::Schedule(schedule) => schedule.run().await,
            Self::Move(move_job) => move_job.run().await,
            Self::Watch(watch) => watch.run().await,
            Self::Servers(servers) => servers.run().await,
            Self::Verify(verify) => verify.run().await,
            Self::Checksums(checksums) => checksums.run().await,
        }
    }
}
