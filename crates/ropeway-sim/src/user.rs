//! The user of a run: what he was promised and what he does.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use ropeway_engine::{Change, Engine, EngineError, JobSnapshot};
use ropeway_model::{JobId, Phase, PhaseKind, Wish};
use ropeway_store::JobRow;

use crate::{
    plan::{Act, PlannedJob},
    server::SimServer,
    world::World,
};

/// A job as its user knows it.
#[expect(clippy::struct_excessive_bools, reason = "each is a promise of its own")]
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub(crate) id: Option<JobId>,
    /// Whether the user was told that the job is in the queue.
    pub(crate) is_acknowledged: bool,
    /// Wishes that may be in the queue: the last acknowledged one, and one that was never answered.
    pub(crate) wishes: BTreeSet<u8>,
    /// Whether the user was told that it is off the list, or asked and never heard.
    pub(crate) is_removed: bool,
    pub(crate) may_be_removed: bool,
    pub(crate) may_be_deleted: bool,
    /// The end it has reached, durably.
    pub(crate) ended: Option<PhaseKind>,
}

/// The user of a run.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) world: Arc<World>,
    pub(crate) server: Arc<SimServer>,
    pub(crate) jobs: Vec<PlannedJob>,
    pub(crate) known: Vec<Known>,
}

/// A wish as a number, for sets.
pub(crate) const fn number(wish: Wish) -> u8 {
    match wish {
        Wish::Run => 0,
        Wish::Pause => 1,
        Wish::Cancel => 2,
    }
}

impl User {
    pub(crate) fn new(world: Arc<World>, server: Arc<SimServer>, jobs: Vec<PlannedJob>) -> Self {
        let known = vec![Known::default(); jobs.len()];
        Self { world, server, jobs, known }
    }

    /// Finds the jobs again in the queue that a new process opens.
    pub(crate) fn meet(&mut self, rows: &[JobRow]) {
        for (planned, known) in self.jobs.iter().zip(&mut self.known) {
            let row = rows.iter().find(|row| row.spec.transfer == planned.spec.transfer);
            if known.id.is_none() || row.is_none() {
                known.id = row.map(|row| row.id);
            }
            if row.is_none() && known.may_be_removed {
                known.is_removed = true;
            }
            known.may_be_removed = false;
            if let Some(row) = row {
                known.wishes = BTreeSet::from([number(row.wish)]);
                known.is_acknowledged = true;
            }
        }
    }

    /// The jobs that are in the list.
    pub(crate) fn listed(&self) -> impl Iterator<Item = (usize, JobId)> {
        let listed = |(at, known): (usize, &Known)| known.id.filter(|_| !known.is_removed).map(|id| (at, id));
        self.known.iter().enumerate().filter_map(listed)
    }

    fn id(&self, job: usize) -> Option<JobId> {
        self.known[job].id.filter(|_| !self.known[job].is_removed)
    }

    /// Does one thing. The machine may stop in the middle of it.
    pub(crate) async fn act(&mut self, engine: &Engine, act: &Act) {
        self.world.note(format_args!("user: {act:?}"));
        let done = match *act {
            Act::Add(job) => self.add(engine, job).await,
            Act::Pause(job) => self.wish(engine, &[job], Wish::Pause).await,
            Act::Resume(job) => self.wish(engine, &[job], Wish::Run).await,
            Act::Cancel(job) => self.wish(engine, &[job], Wish::Cancel).await,
            Act::Remove(job, with_files) => self.remove(engine, job, with_files).await,
            Act::Limit(job, limit) => {
                self.change(engine, job, Change { rate_limit: Some(limit), ..Change::default() }).await
            }
            Act::Urgency(job, priority) => {
                self.change(engine, job, Change { priority: Some(priority), ..Change::default() }).await
            }
            Act::MoveToEnd(job) => match self.id(job) {
                Some(id) => engine.move_jobs(&[id], None).await.map(drop),
                None => Ok(()),
            },
            Act::PauseAll => self.wish_all(engine, Wish::Pause).await,
            Act::ResumeAll => self.wish_all(engine, Wish::Run).await,
            Act::Suspend(milliseconds) => {
                self.world.sleep(milliseconds).await;
                Ok(())
            }
        };
        if let Err(error) = done {
            self.world.note(format_args!("user: {error}"));
        }
    }

    /// Adds a job, unless it is there.
    pub(crate) async fn add(&mut self, engine: &Engine, job: usize) -> Result<(), EngineError> {
        if self.known[job].id.is_some() || self.known[job].is_removed {
            return Ok(());
        }
        let added = engine.add(vec![self.jobs[job].spec.clone()], Wish::Run).await?;
        let known = &mut self.known[job];
        known.id = added.first().copied();
        known.is_acknowledged = true;
        known.wishes = BTreeSet::from([number(Wish::Run)]);
        Ok(())
    }

    async fn wish(&mut self, engine: &Engine, jobs: &[usize], wish: Wish) -> Result<(), EngineError> {
        let ids: Vec<_> = jobs.iter().filter_map(|job| self.id(*job)).collect();
        for job in jobs {
            self.known[*job].wishes.insert(number(wish));
            if wish == Wish::Run {
                self.server.forgive(&self.jobs[*job].url);
            }
        }
        match wish {
            Wish::Run => engine.resume(&ids).await?,
            Wish::Pause => engine.pause(&ids).await?,
            Wish::Cancel => engine.cancel(&ids).await?,
        };
        // What the engine has now is what it acknowledged: a job at its end keeps the wish it ended with.
        for job in jobs {
            if let Some(snapshot) = self.id(*job).and_then(|id| engine.job(id).ok()) {
                self.known[*job].wishes = BTreeSet::from([number(snapshot.wish)]);
            }
        }
        Ok(())
    }

    async fn wish_all(&mut self, engine: &Engine, wish: Wish) -> Result<(), EngineError> {
        let listed: Vec<_> = self.listed().map(|(job, _)| job).collect();
        for job in &listed {
            self.known[*job].wishes.insert(number(wish));
            self.server.forgive(&self.jobs[*job].url);
        }
        match wish {
            Wish::Run => engine.resume_all().await?,
            _ => engine.pause_all().await?,
        };
        for job in listed {
            if let Some(snapshot) = self.id(job).and_then(|id| engine.job(id).ok()) {
                self.known[job].wishes = BTreeSet::from([number(snapshot.wish)]);
            }
        }
        Ok(())
    }

    async fn remove(&mut self, engine: &Engine, job: usize, with_files: bool) -> Result<(), EngineError> {
        let Some(id) = self.id(job) else { return Ok(()) };
        let known = &mut self.known[job];
        known.wishes.insert(number(Wish::Cancel));
        known.may_be_removed = true;
        known.may_be_deleted |= with_files;
        engine.remove(&[id], with_files).await?;
        known.is_removed = true;
        Ok(())
    }

    async fn change(&mut self, engine: &Engine, job: usize, change: Change) -> Result<(), EngineError> {
        match self.id(job) {
            Some(id) => engine.change(&[id], change).await.map(drop),
            None => Ok(()),
        }
    }

    /// Wants every job that was not given up to come to its end, and waits until nothing moves any more.
    pub(crate) async fn settle(&mut self, engine: &Engine) {
        /// No job of a run takes longer once nothing breaks any more.
        const PATIENCE: Duration = Duration::from_secs(12 * 3600);
        let jobs: Vec<_> = (0..self.jobs.len()).collect();
        for job in &jobs {
            if let Err(error) = self.add(engine, *job).await {
                self.world.violate(format!("I4: job {job} cannot be added although nothing breaks: {error}"));
            }
        }
        if let Err(error) = self.wish(engine, &jobs, Wish::Run).await {
            self.world.violate(format!("I4: jobs cannot be resumed although nothing breaks: {error}"));
        }
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let moving = engine.jobs().into_iter().find(|job| !is_settled(job));
            let Some(moving) = moving else { return };
            if tokio::time::Instant::now() >= deadline {
                return self.world.violate(format!("I4: a job comes to no end: {moving:?}"));
            }
            // Nothing tells of a wait that ends: look again once in a while.
            drop(tokio::time::timeout(Duration::from_secs(60), engine.changed()).await);
        }
    }
}

/// Whether nothing happens to a job until its user wants it to.
pub(crate) fn is_settled(job: &JobSnapshot) -> bool {
    match job.phase {
        Phase::Completed | Phase::Canceled | Phase::Failed { .. } | Phase::LinkExpired { .. } => true,
        Phase::Paused => job.wish == Wish::Pause,
        Phase::Blocked { by, .. } => by == ropeway_model::Obstacle::NameTaken,
        _ => false,
    }
}
