//! An engine of this process's own, for as long as its jobs take.

use std::{path::PathBuf, sync::Arc, time::Duration};

use ropeway_api::{
    Api, ApiConfig, News, Reply, Scope,
    command::{Added, Call, JobRemove, Nothing},
    error::ApiError,
    host::Headless,
    settings::Settings,
    view::Snapshot,
};
use ropeway_files::Folders;
use ropeway_model::ByteRate;
use serde::de::DeserializeOwned;
use tokio::{
    sync::mpsc,
    time::{Interval, MissedTickBehavior},
};

use crate::{
    command::options::PatienceFlags,
    error::CommandError,
    exit::Exit,
    output::{Output, tell},
    run::{End, RunState},
    signal::Interruption,
};

/// Replies that wait for the display; more would only fill memory.
const REPLIES_WAITING: usize = 2;
/// A display that wants no ticks still costs none worth counting.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// The engine of one `get` or `put`.
#[derive(Debug)]
pub(crate) struct OwnQueue {
    api: Api,
    interruption: Interruption,
}

/// How a run went, for the exit code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ran {
    /// A job failed.
    pub(crate) failed: bool,
    /// An input was refused for its form.
    pub(crate) refused: bool,
    /// There was at least one job.
    pub(crate) any: bool,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Every job is at its end.
    Over(Ran),
    /// A signal came.
    Interrupted,
}

impl Ending {
    /// What the process ends with.
    pub(crate) const fn exit(self) -> Exit {
        match self {
            Self::Interrupted => Exit::Interrupted,
            // A run that is nothing but a mistyped address is bad usage; beside real jobs it is one that failed.
            Self::Over(Ran { failed: false, refused: true, any: false }) => Exit::BadUsage,
            Self::Over(Ran { failed: false, refused: false, .. }) => Exit::Complete,
            Self::Over(_) => Exit::Failed,
        }
    }
}

impl OwnQueue {
    /// Opens the engine and takes the signals over. With `hashed` every file's digest is taken, else only where there is
    /// one to compare with.
    ///
    /// # Errors
    /// [`CommandError::Folders`] or [`CommandError::Open`] if there is no place for its state.
    pub(crate) async fn open(hashed: bool) -> Result<Self, CommandError> {
        let interruption = Interruption::listen()?;
        let scope = if hashed { Scope::OnceHashed } else { Scope::Once };
        let api = open_once(scope).await?;
        api.notices().iter().for_each(tell);
        Ok(Self { api, interruption })
    }

    /// The engine.
    pub(super) const fn api(&self) -> &Api {
        &self.api
    }

    /// The signals that end the process.
    pub(super) const fn interruption(&self) -> &Interruption {
        &self.interruption
    }

    /// Closes the engine.
    pub(super) async fn close(self) {
        self.api.shutdown().await;
    }

    /// Sets how many jobs run at once, how fast they may be together and how long is waited, for this process alone. A limit
    /// that the user gives now counts for more than those of the schedule.
    ///
    /// # Errors
    /// [`CommandError::Call`] if the engine refuses a value.
    pub(crate) async fn adjust(
        &self,
        jobs: Option<u8>,
        limit: Option<ByteRate>,
        patience: PatienceFlags,
    ) -> Result<(), CommandError> {
        let (waits, tries) = patience.chosen();
        self.api.set_patience(waits, tries);
        let now = patience.now;
        if jobs.is_none() && limit.is_none() && !now {
            return Ok(());
        }
        let snapshot: Snapshot = reply(self.api.call(Call::Snapshot(Nothing {})).await)?;
        let running_jobs = jobs.unwrap_or(snapshot.settings.running_jobs);
        let mut settings = Settings { running_jobs, ..snapshot.settings };
        settings.schedule.retain(|rule| !now && (limit.is_none() || rule.pause));
        if let Some(limit) = limit.map(ByteRate::bytes_per_second) {
            (settings.download_limit, settings.upload_limit) = (Some(limit), Some(limit));
        }
        reply::<Settings>(self.api.call(Call::SettingsSet(settings)).await).map(drop)
    }

    /// Adds what `calls` bring and stays until every job is at its end, or a signal comes.
    ///
    /// # Errors
    /// [`CommandError::Answer`] if the engine breaks its contract.
    pub(crate) async fn run(
        self,
        calls: mpsc::Receiver<Result<Call, CommandError>>,
        output: &mut dyn Output,
    ) -> Result<Ending, CommandError> {
        let mut state = RunState::default();
        let ending = self.follow(calls, output, &mut state).await;
        self.forget_hopeless(state.hopeless()).await;
        self.api.shutdown().await;
        output.close(&state);
        if let Ok(Ending::Interrupted) = ending {
            output.interrupted(&state);
        }
        ending
    }

    /// Keeps nothing of what failed without a byte: there is nothing that the same command would go on with.
    async fn forget_hopeless(&self, ids: &[i64]) {
        if ids.is_empty() {
            return;
        }
        let remove = JobRemove { ids: ids.to_vec(), delete_files: false };
        // What cannot be forgotten stays listed, which harms nobody.
        let _ = self.api.call(Call::JobRemove(remove)).await;
    }

    /// Says once why nothing moves.
    pub(super) fn tell_of_schedule(&self, is_told: &mut bool, note: &mut dyn FnMut(&str)) {
        let pauses = self.api.schedule_pauses();
        if pauses && !*is_told {
            note("the schedule of the settings lets nothing move now; --now does not wait for it");
        }
        *is_told = pauses;
    }

    async fn follow(
        &self,
        calls: mpsc::Receiver<Result<Call, CommandError>>,
        output: &mut dyn Output,
        state: &mut RunState,
    ) -> Result<Ending, CommandError> {
        let mut ran = Ran::default();
        let mut events = self.api.subscribe();
        let (sender, mut replies) = mpsc::channel(REPLIES_WAITING);
        let adding = add_all(&self.api, calls, sender);
        tokio::pin!(adding);
        let mut is_adding = true;
        let mut ticks = ticks(output.period());
        let mut is_told = false;
        while is_adding || state.has_open() {
            tokio::select! {
                () = self.interruption.came() => return Ok(Ending::Interrupted),
                () = &mut adding, if is_adding => is_adding = false,
                Some(added) = replies.recv() => note_added(added, output, state, &mut ran),
                news = events.news() => {
                    let Some(news) = news else { return Err(ended_early()) };
                    note(&self.api, news, output, state).await?;
                }
                _ = ticks.tick() => {
                    self.tell_of_schedule(&mut is_told, &mut |text| output.note(text));
                    output.draw(state);
                }
            }
            while let Ok(added) = replies.try_recv() {
                note_added(added, output, state, &mut ran);
            }
        }
        let sums = state.sums();
        Ok(Ending::Over(Ran { failed: ran.failed || sums.failed > 0, any: sums.jobs > 0, ..ran }))
    }
}

/// Opens the queue that single commands share. Who has no home does without one: no folder is needed to fetch a file.
pub(crate) async fn open_once(scope: Scope) -> Result<Api, CommandError> {
    let nowhere = || Folders { data: PathBuf::new(), config: PathBuf::new() };
    let folders = Folders::of_this_user().unwrap_or_else(|_| nowhere());
    let host = Arc::new(Headless);
    let config = ApiConfig { data_folder: folders.data, config_folder: folders.config, scope, host };
    Ok(Api::open(config).await?)
}

async fn note(api: &Api, news: News, output: &mut dyn Output, state: &mut RunState) -> Result<(), CommandError> {
    let ends: Vec<End> = match news {
        News::Batch(batch) => batch.events.into_iter().flat_map(|event| state.apply(event)).collect(),
        News::Gap => state.replace(reply(api.call(Call::Snapshot(Nothing {})).await)?),
    };
    for end in &ends {
        output.ended(end);
    }
    Ok(())
}

fn note_added(added: Result<Added, CommandError>, output: &mut dyn Output, state: &mut RunState, ran: &mut Ran) {
    match added {
        Ok(added) => {
            for refusal in &added.refused {
                match Exit::of_refusal(refusal) {
                    Exit::Complete => ran.any = true,
                    Exit::BadUsage => ran.refused = true,
                    _ => ran.failed = true,
                }
                output.refused(refusal);
            }
            for end in added.jobs.into_iter().filter_map(|job| state.add(job)) {
                output.ended(&end);
            }
        }
        Err(error) => {
            ran.failed |= error.exit() == Exit::Failed;
            ran.refused |= error.exit() == Exit::BadUsage;
            output.complain(&error);
        }
    }
}

/// Carries the calls out one after another; an engine call is not cut off in its middle by a batch of events.
async fn add_all(
    api: &Api,
    mut calls: mpsc::Receiver<Result<Call, CommandError>>,
    replies: mpsc::Sender<Result<Added, CommandError>>,
) {
    while let Some(call) = calls.recv().await {
        let added = match call {
            Ok(call) => match api.call(call).await {
                Ok(reply) => reply.added().map_err(|error| CommandError::Answer { reason: error.to_string() }),
                Err(error) => Err(error.into()),
            },
            Err(error) => Err(error),
        };
        if replies.send(added).await.is_err() {
            return;
        }
    }
}

fn ticks(period: Option<Duration>) -> Interval {
    let mut ticks = tokio::time::interval(period.unwrap_or(NEVER));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// The reply as its type.
fn reply<T: DeserializeOwned>(reply: Result<Reply, ApiError>) -> Result<T, CommandError> {
    reply?.read().map_err(|error| CommandError::Answer { reason: error.to_string() })
}

fn ended_early() -> CommandError {
    CommandError::Answer { reason: "it stopped before the jobs were done".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_tells_a_typing_mistake_from_a_failed_job() {
        let fine = Ran { any: true, ..Ran::default() };
        for (ran, exit) in [
            (fine, Exit::Complete),
            (Ran { failed: true, ..fine }, Exit::Failed),
            (Ran { refused: true, ..fine }, Exit::Failed),
            (Ran { refused: true, any: false, ..fine }, Exit::BadUsage),
            (Ran { refused: true, any: false, failed: true }, Exit::Failed),
        ] {
            assert_eq!(Ending::Over(ran).exit(), exit, "{ran:?}");
        }
        assert_eq!(Ending::Interrupted.exit(), Exit::Interrupted);
    }
}
