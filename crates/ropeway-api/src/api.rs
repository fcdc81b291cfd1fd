//! The one way in.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use ropeway_engine::{
    DigestPolicy, Engine, EngineConfig, EngineError, Leftover, Patience, PipeProgress, Piped, Seams, StoreError,
};
use ropeway_model::{FailureCode, JobId};
use serde_json::Value;
use tokio::{io::AsyncWrite, sync::Notify};
use tokio_util::sync::CancellationToken;

use crate::{
    calls,
    command::{Call, JobAdd, Refusal},
    core::Core,
    error::{ApiCode, ApiError},
    folder_lock::{FolderLock, OnceLock, QueueLock},
    host::Host,
    publisher::{Publisher, Subscription},
    reply::Reply,
    reserve,
    settings_check::Checked,
    settings_file::{Keeping, SettingsFile},
    settings_watch,
    view::NoticeView,
};

/// What an engine is opened with.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// Folder of the durable queue; created if it is not there. Where it cannot be used a single command goes on without:
    /// its jobs are then forgotten with it.
    pub data_folder: PathBuf,
    /// Folder of `settings.toml`; created when settings are first saved.
    pub config_folder: PathBuf,
    /// Which jobs this process runs.
    pub scope: Scope,
    /// The program around the engine.
    pub host: Arc<dyn Host>,
}

/// Which jobs a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The user's queue: all its jobs, exclusively.
    Queue,
    /// Only jobs this process adds, in a queue that several such processes share. Adding a job that an earlier
    /// process left unfinished takes it up again. Finished jobs leave nothing behind. Files are hashed only where there
    /// is something to compare with. Changed settings are this process's alone.
    Once,
    /// As [`Self::Once`], and every file is hashed.
    OnceHashed,
}

/// Why an engine could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process runs the queue.
    #[error("another Ropeway already runs the queue in {}", folder.display())]
    InUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// The folder or its database cannot be used.
    #[error("the data folder {} cannot be used: {reason}", folder.display())]
    Unusable {
        /// The data folder.
        folder: PathBuf,
        /// Why.
        reason: String,
        /// The user's next step.
        hint: &'static str,
    },
}

impl OpenError {
    /// The folder cannot be used at all.
    pub(crate) fn unusable(folder: &Path, error: &io::Error) -> Self {
        let hint = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => MAKE_ROOM,
            _ => CHECK_FOLDER,
        };
        Self::Unusable { folder: folder.to_owned(), reason: error.to_string(), hint }
    }

    fn of_engine(folder: &Path, error: &EngineError) -> Self {
        let hint = match error {
            _ if reserve::is_full(folder) => MAKE_ROOM,
            EngineError::Store(StoreError::NewerSchema { .. }) => {
                "Update Ropeway, or name another folder with ROPEWAY_DATA_DIR."
            }
            EngineError::Store(StoreError::NotAQueue { .. }) => {
                "Move that file away, or name another folder with ROPEWAY_DATA_DIR."
            }
            _ => CHECK_FOLDER,
        };
        Self::Unusable { folder: folder.to_owned(), reason: error.to_string(), hint }
    }

    /// The user's next step, one sentence.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "Steer the one that runs with `ropeway add` and `ropeway list`, or end it first.",
            Self::Unusable { hint, .. } => hint,
        }
    }
}

const CHECK_FOLDER: &str = "Check the folder's permissions and its volume, or name another one with ROPEWAY_DATA_DIR.";
const MAKE_ROOM: &str = "Make room on the volume of that folder, or name another one with ROPEWAY_DATA_DIR.";

/// An engine with its contract; cheap to clone, all clones are the same engine.
#[derive(Clone, Debug)]
pub struct Api {
    core: Arc<Core>,
}

impl Api {
    /// Opens the queue, recovers what an earlier process left, and starts to run jobs.
    ///
    /// # Errors
    /// [`OpenError::InUse`] if another process runs the same [`Scope::Queue`].
    pub async fn open(config: ApiConfig) -> Result<Self, OpenError> {
        let ApiConfig { data_folder, config_folder, scope, host } = config;
        let (keeping, digests) = match scope {
            Scope::Queue => (Keeping::Saved, DigestPolicy::EveryFile),
            Scope::Once => (Keeping::ThisProcess, DigestPolicy::WhereGiven),
            Scope::OnceHashed => (Keeping::ThisProcess, DigestPolicy::EveryFile),
        };
        let settings = SettingsFile::open(&config_folder, keeping);
        let Checked { limits, schedule, servers } = settings.checked();
        let is_held = settings.blocking().is_some();
        let engine_config = |database, is_alone| {
            let scope = match scope {
                Scope::Queue => ropeway_engine::Scope::Queue,
                Scope::Once | Scope::OnceHashed => ropeway_engine::Scope::Once,
            };
            let (schedule, servers) = (schedule.clone(), servers.clone());
            EngineConfig { database, scope, digests, limits, schedule, servers, is_held, is_alone }
        };
        let mut notices = Vec::new();
        let (engine, lock) = match open_engine(&data_folder, scope, |database, is_alone| {
            engine_config(Some(database), is_alone)
        })
        .await
        {
            Err(error) if scope != Scope::Queue => {
                notices.push(not_resumable(&error));
                let opened = Engine::open(Seams::default(), engine_config(None, true)).await;
                (opened.map_err(|error| OpenError::of_engine(&data_folder, &error))?, QueueLock::None)
            }
            opened => opened?,
        };
        notices.extend(engine.damage().map(NoticeView::of_damage));
        let publisher = Arc::new(Publisher::new(engine.clone()));
        let stopping = CancellationToken::new();
        tokio::spawn(Arc::clone(&publisher).run(stopping.clone()));
        let core = Arc::new(Core {
            engine,
            settings,
            publisher,
            host,
            notices,
            in_force: Mutex::default(),
            told: Notify::new(),
            stopping: stopping.clone(),
            lock,
        });
        if keeping == Keeping::Saved {
            tokio::spawn(settings_watch::run(Arc::downgrade(&core), stopping));
        }
        Ok(Self { core })
    }

    /// What the user should know and no job tells: of the settings' file, and of the queue.
    pub fn notices(&self) -> Vec<NoticeView> {
        self.core.notices()
    }

    /// Returns when [`Api::notices`] may have changed, or may have since the last call. One waiter only.
    pub async fn notices_changed(&self) {
        self.core.told.notified().await;
    }

    /// The unfinished jobs that earlier single commands left; none in [`Scope::Queue`].
    pub fn leftovers(&self) -> Vec<Leftover> {
        let alone = self.core.lock.alone();
        self.core.engine.leftovers(alone.is_some())
    }

    /// Forgets unfinished jobs of earlier single commands, and deletes what they have. Those that another process moves
    /// stay. Returns the ones that are gone.
    ///
    /// # Errors
    /// [`ApiCode::StateFailed`] if the queue takes no change.
    pub async fn forget(&self, ids: &[i64]) -> Result<Vec<Leftover>, ApiError> {
        let ids: Vec<JobId> = ids.iter().copied().map(JobId::from_row).collect();
        let alone = self.core.lock.alone();
        Ok(self.core.engine.forget(&ids, alone.is_some()).await?)
    }

    /// Carries out a call. What it changed is durable when this returns.
    ///
    /// # Errors
    /// [`ApiError`] with a code for programs, a sentence and a next step for people.
    pub async fn call(&self, call: Call) -> Result<Reply, ApiError> {
        if self.core.stopping.is_cancelled() {
            let hint = "Start Ropeway again.";
            return Err(ApiError::new(ApiCode::ShuttingDown, "Ropeway is shutting down", hint));
        }
        calls::dispatch(&self.core, call).await
    }

    /// Carries out a call as a transport brings it: a name and JSON parameters.
    ///
    /// # Errors
    /// As [`Api::call`]; [`ApiCode::UnknownCall`] and [`ApiCode::BadParams`] for what is no call.
    pub async fn call_named(&self, name: &str, params: Value) -> Result<Reply, ApiError> {
        if !Call::NAMES.contains(&name) {
            let shown: String = name.chars().filter(|character| !character.is_control()).take(40).collect();
            let hint = "Use a version of the program that matches this engine.";
            return Err(ApiError::new(ApiCode::UnknownCall, format!("there is no call '{shown}'"), hint));
        }
        let params = if params.is_null() { Value::Object(serde_json::Map::new()) } else { params };
        let call = serde_json::json!({ "call": name, "params": params });
        let call = serde_json::from_value(call).map_err(|error| ApiError::bad_params(format!("{name}: {error}")))?;
        self.call(call).await
    }

    /// Fetches one file and writes its bytes to `sink`, in order, as they come; `progress` is told how many of how many.
    ///
    /// # Errors
    /// [`Refusal`] with the code of the failure, or of the parameter that cannot be used.
    pub async fn pipe(
        &self,
        params: JobAdd,
        sink: &mut (dyn AsyncWrite + Unpin + Send),
        progress: PipeProgress<'_>,
    ) -> Result<Piped, Refusal> {
        calls::pipe(&self.core, params, sink, progress).await
    }

    /// Listens from now on. A slow subscriber loses batches, never blocks the engine, and sees the gap in
    /// [`crate::event::Batch::seq`].
    pub fn subscribe(&self) -> Subscription {
        self.core.publisher.subscribe()
    }

    /// Chooses how long this process waits and how often it tries, before its first job; what is `None` stays as usual.
    pub fn set_patience(&self, patience: Patience, tries: Option<u32>) {
        patience.choose();
        self.core.engine.set_tries(tries.unwrap_or(0));
    }

    /// Whether the schedule lets nothing move now.
    pub fn schedule_pauses(&self) -> bool {
        self.core.engine.schedule_pauses()
    }

    /// Hands URLs, text or files of another program to the user for a decision.
    pub fn offer(&self, text: String, paths: Vec<String>) {
        self.core.publisher.publish(vec![crate::event::Event::Offer { text, paths }]);
    }

    /// Stops every transfer, makes what they have durable and closes the queue. Calls after it are refused.
    pub async fn shutdown(&self) {
        self.core.engine.shutdown().await;
        self.core.stopping.cancel();
        self.core.publisher.close();
    }
}

/// Opens the engine of a data folder, with the lock that goes with it.
async fn open_engine(
    folder: &Path,
    scope: Scope,
    config: impl FnOnce(PathBuf, bool) -> EngineConfig,
) -> Result<(Engine, QueueLock), OpenError> {
    create_folder(folder).map_err(|error| OpenError::unusable(folder, &error))?;
    let (lock, database) = match scope {
        Scope::Queue => {
            let lock = FolderLock::take(folder)?;
            reserve::release_if_needed(folder);
            (QueueLock::Own(lock), "queue.db")
        }
        Scope::Once | Scope::OnceHashed => (QueueLock::Shared(OnceLock::share(folder)?), "once.db"),
    };
    // Held until the queue was read: whoever came meanwhile would have jobs in it that look abandoned.
    let alone = lock.alone();
    let opened = Engine::open(Seams::default(), config(folder.join(database), alone.is_some())).await;
    drop(alone);
    let engine = opened.map_err(|error| OpenError::of_engine(folder, &error))?;
    if scope == Scope::Queue {
        reserve::keep(folder);
    }
    Ok((engine, lock))
}

/// Creates the folder for this user only: the queue holds logins.
fn create_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    if !folder.is_absolute() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no absolute path"));
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn not_resumable(error: &OpenError) -> NoticeView {
    NoticeView {
        code: FailureCode::StateFailed.code().to_owned(),
        message: format!("{error}; what is not complete when this command ends cannot be resumed"),
        hint: error.hint().to_owned(),
        is_blocking: false,
    }
}
