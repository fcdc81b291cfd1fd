//! An engine with folders of its own.

use std::{path::PathBuf, time::Duration};

use ropeway_engine::{DigestPolicy, Engine, EngineConfig, JobSnapshot, Limits, Scope, Seams, ServerPolicy};
use ropeway_model::{Connections, JobId, JobSpec, Phase, PhaseKind, Schedule, Transfer, Wish};
use ropeway_testkit::TempFolder;

/// Longer than any job of these tests takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// An engine with a queue on disk and a folder for downloads.
pub(crate) struct Rig {
    pub(crate) engine: Engine,
    pub(crate) folder: TempFolder,
    state: TempFolder,
    config: EngineConfig,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut EngineConfig)) -> Self {
        Self::with_seams(Seams::default(), change).await
    }

    pub(crate) async fn with_seams(seams: Seams, change: impl FnOnce(&mut EngineConfig)) -> Self {
        let state = TempFolder::new();
        let limits =
            Limits { running_jobs: 4, connections: Some(Connections::new(4).unwrap()), download: None, upload: None };
        let mut config = EngineConfig {
            database: Some(state.join("queue.db")),
            scope: Scope::Queue,
            digests: DigestPolicy::EveryFile,
            limits,
            schedule: Schedule::default(),
            servers: ServerPolicy::default(),
            is_held: false,
            is_alone: false,
        };
        change(&mut config);
        let engine = Engine::open(seams, config.clone()).await.unwrap();
        Self { engine, folder: TempFolder::new(), state, config }
    }

    /// The same queue opened by the next process.
    pub(crate) async fn restart(self) -> Self {
        self.restart_with(Seams::default()).await
    }

    pub(crate) async fn restart_with(self, seams: Seams) -> Self {
        self.engine.shutdown().await;
        self.reopen_with(seams).await
    }

    /// The same queue opened by the next process, however the one before it ended.
    pub(crate) async fn reopen(self) -> Self {
        self.reopen_with(Seams::default()).await
    }

    async fn reopen_with(self, seams: Seams) -> Self {
        let engine = Engine::open(seams, self.config.clone()).await.unwrap();
        Self { engine, folder: self.folder, state: self.state, config: self.config }
    }

    pub(crate) fn download(&self, url: &str) -> JobSpec {
        JobSpec::new(Transfer::Download { from: url.parse().unwrap(), into: self.folder.path().to_owned(), name: None })
    }

    pub(crate) async fn add(&self, spec: JobSpec) -> JobId {
        self.engine.add(vec![spec], Wish::Run).await.unwrap()[0]
    }

    /// Adds a job and waits for it to settle.
    pub(crate) async fn run(&self, spec: JobSpec) -> JobSnapshot {
        let id = self.add(spec).await;
        self.settled(id).await
    }

    /// Waits until the job is completed, failed, canceled or paused.
    pub(crate) async fn settled(&self, id: JobId) -> JobSnapshot {
        let settled = |job: &JobSnapshot| {
            let kind = job.phase.kind();
            matches!(kind, PhaseKind::Completed | PhaseKind::Failed | PhaseKind::Canceled | PhaseKind::Paused)
        };
        self.until(id, settled).await
    }

    pub(crate) async fn until(&self, id: JobId, holds: impl Fn(&JobSnapshot) -> bool) -> JobSnapshot {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let job = self.engine.job(id).unwrap();
            if holds(&job) {
                return job;
            }
            assert!(tokio::time::Instant::now() < deadline, "still {job:?} after {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What it is opened with.
    pub(crate) const fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// The queue's file.
    pub(crate) fn database(&self) -> PathBuf {
        self.state.join("queue.db")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// The failure of a job that failed.
pub(crate) fn failure(job: &JobSnapshot) -> &ropeway_model::Failure {
    match &job.phase {
        Phase::Failed { failure } => failure,
        other => panic!("expected a failure, the job is {other:?}"),
    }
}
