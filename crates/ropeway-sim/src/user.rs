//! The user of a run: what he was promised and what he does.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use ropeway_engine::{Change, Engine, EngineError, JobSnapshot, Scope};
use ropeway_model::{Blocker, FailureCode, JobId, JobSpec, OnConflict, Phase, PhaseKind, Wish};
use ropeway_store::JobRow;

use crate::{
    plan::{Act, Plan, PlannedJob, PlannedUpload},
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
    /// Whether a file of its name may be replaced.
    pub(crate) may_overwrite: bool,
    /// How it stood at last: of a job of one command nothing else is left.
    pub(crate) last: Option<(Phase, Option<PathBuf>)>,
    /// Later links that it was given.
    pub(crate) links: usize,
    /// The end it has reached, durably.
    pub(crate) ended: Option<PhaseKind>,
}

/// The user of a run.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) world: Arc<World>,
    pub(crate) server: Arc<SimServer>,
    pub(crate) jobs: Vec<PlannedJob>,
    /// Numbered behind the jobs.
    pub(crate) uploads: Vec<PlannedUpload>,
    pub(crate) known: Vec<Known>,
    pub(crate) scope: Scope,
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
    pub(crate) fn new(world: Arc<World>, server: Arc<SimServer>, plan: &Plan) -> Self {
        let may_overwrite = |job: &PlannedJob| job.spec.on_conflict == OnConflict::Overwrite;
        let known = |job| Known { may_overwrite: may_overwrite(job), ..Known::default() };
        let mut known: Vec<_> = plan.jobs.iter().map(known).collect();
        known.resize_with(plan.jobs.len() + plan.uploads.len(), Known::default);
        let (jobs, uploads) = (plan.jobs.clone(), plan.uploads.clone());
        Self { world, server, jobs, uploads, known, scope: plan.scope }
    }

    /// The upload with the number `at`, unless that is a download.
    fn upload(&self, at: usize) -> Option<&PlannedUpload> {
        at.checked_sub(self.jobs.len()).and_then(|at| self.uploads.get(at))
    }

    fn spec(&self, at: usize) -> JobSpec {
        self.upload(at).map_or_else(|| self.jobs[at].spec.clone(), |upload| upload.spec.clone())
    }

    /// Identity of `row` with the job of the number `at`.
    pub(crate) fn is_of(&self, at: usize, row: &JobRow) -> bool {
        self.upload(at).map_or_else(|| self.jobs[at].is_of(row), |upload| upload.is_of(row))
    }

    /// The address of the job with the number `at`.
    pub(crate) fn url(&self, at: usize) -> &str {
        self.upload(at).map_or_else(|| &self.jobs[at].url, |upload| &upload.url)
    }

    /// The user wants another try now: what servers said does not bind him.
    fn forgive(&self, at: usize) {
        if let Some(upload) = self.upload(at) {
            return self.server.forgive(&upload.url);
        }
        self.jobs[at].urls().for_each(|url| self.server.forgive(url));
        self.server.wait_until(&self.jobs[at].url, 0);
    }

    /// Finds the jobs again in the queue that a new process opens.
    pub(crate) fn meet(&mut self, rows: &[JobRow]) {
        for at in 0..self.known.len() {
            let row = rows.iter().find(|row| self.is_of(at, row));
            let known = &mut self.known[at];
            if self.scope == Scope::Once {
                // The next command is another one.
                known.id = None;
                continue;
            }
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
            Act::Renew(job) => self.renew(engine, job).await,
            Act::Answer(job, choice) => self.answer(engine, job, choice).await,
            Act::Rules(ref policy) => {
                engine.set_servers(policy.clone());
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
        let added = engine.add(vec![self.spec(job)], Wish::Run).await?;
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
                self.forgive(*job);
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
            self.forgive(*job);
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

    /// Gives the job its next link; the last of them again and again.
    async fn renew(&mut self, engine: &Engine, job: usize) -> Result<(), EngineError> {
        let (Some(id), Some(planned)) = (self.id(job), self.jobs.get(job)) else { return Ok(()) };
        let links = &planned.links;
        let Some(link) = links.get(self.known[job].links).or(links.last()) else { return Ok(()) };
        let link = link.parse().expect("an address");
        self.known[job].wishes.insert(number(Wish::Run));
        let renewed = engine.renew(id, link).await;
        if let Ok(()) = renewed {
            self.known[job].links += 1;
            self.known[job].wishes = BTreeSet::from([number(Wish::Run)]);
        }
        renewed
    }

    /// Says what becomes of a job whose name is taken.
    async fn answer(&mut self, engine: &Engine, job: usize, choice: OnConflict) -> Result<(), EngineError> {
        let Some(id) = self.id(job) else { return Ok(()) };
        let known = &mut self.known[job];
        known.wishes.insert(number(Wish::Run));
        known.may_overwrite |= choice == OnConflict::Overwrite;
        engine.answer(id, choice).await?;
        self.known[job].wishes = BTreeSet::from([number(Wish::Run)]);
        Ok(())
    }

    /// Gives the one command that a process of [`Scope::Once`] is there for: for every file that is not there yet.
    pub(crate) async fn command(&mut self, engine: &Engine) {
        for job in 0..self.known.len() {
            if !self.is_done(job)
                && let Err(error) = self.add(engine, job).await
            {
                self.world.note(format_args!("user: {error}"));
            }
        }
    }

    async fn change(&mut self, engine: &Engine, job: usize, change: Change) -> Result<(), EngineError> {
        match self.id(job) {
            Some(id) => engine.change(&[id], change).await.map(drop),
            None => Ok(()),
        }
    }

    fn is_done(&self, job: usize) -> bool {
        self.scope == Scope::Once && matches!(self.known[job].last, Some((Phase::Completed, _)))
    }

    /// Finds new links, as only a user can.
    async fn mend(&mut self, engine: &Engine) {
        for (job, id) in self.listed().collect::<Vec<_>>() {
            let Ok(snapshot) = engine.job(id) else { continue };
            let mended = match &snapshot.phase {
                Phase::LinkExpired { .. } => self.renew(engine, job).await,
                Phase::Failed { failure } if is_the_links(failure.code) => self.renew(engine, job).await,
                _ => Ok(()),
            };
            if let Err(error) = mended {
                self.world.violate(format!("I4: {} cannot be mended although nothing breaks: {error}", snapshot.id));
            }
        }
    }

    /// Answers whatever is asked, so that it is not asked again.
    async fn answer_all(&mut self, engine: &Engine) {
        for (job, id) in self.listed().collect::<Vec<_>>() {
            let asks = |job: &JobSnapshot| matches!(job.phase, Phase::Blocked { by: Blocker::NameTaken, .. });
            if engine.job(id).is_ok_and(|job| asks(&job))
                && let Err(error) = self.answer(engine, job, OnConflict::Rename).await
            {
                self.world.violate(format!("I4: {id} cannot be answered although nothing breaks: {error}"));
            }
        }
    }

    /// Looks at how the jobs stand.
    pub(crate) fn look(&mut self, engine: &Engine) {
        for known in &mut self.known {
            if let Some(snapshot) = known.id.and_then(|id| engine.job(id).ok()) {
                known.last = Some((snapshot.phase, snapshot.final_path));
            }
        }
    }

    /// Wants every job that was not given up to come to its end, and waits until nothing moves any more.
    pub(crate) async fn settle(&mut self, engine: &Engine) {
        /// No job of a run takes longer once nothing breaks any more.
        const PATIENCE: Duration = Duration::from_secs(12 * 3600);
        let jobs: Vec<_> = (0..self.known.len()).collect();
        self.mend(engine).await;
        for job in &jobs {
            if self.is_done(*job) {
                continue;
            }
            if let Err(error) = self.add(engine, *job).await {
                self.world.violate(format!("I4: job {job} cannot be added although nothing breaks: {error}"));
            }
        }
        if let Err(error) = self.wish(engine, &jobs, Wish::Run).await {
            self.world.violate(format!("I4: jobs cannot be resumed although nothing breaks: {error}"));
        }
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            // A job asks as soon as its last byte is there, which may be in the last round only.
            self.answer_all(engine).await;
            let moving = engine.jobs().into_iter().find(|job| !is_settled(job));
            let Some(moving) = moving else { return self.look(engine) };
            if tokio::time::Instant::now() >= deadline {
                return self.world.violate(format!("I4: a job comes to no end: {moving:?}"));
            }
            // Nothing tells of a wait that ends: look again once in a while.
            drop(tokio::time::timeout(Duration::from_secs(60), engine.changed()).await);
        }
    }
}

/// Whether another link is what the job needs.
const fn is_the_links(code: FailureCode) -> bool {
    matches!(
        code,
        FailureCode::Unauthorized
            | FailureCode::Forbidden
            | FailureCode::NotFound
            | FailureCode::Gone
            | FailureCode::RenewedLinkDiffers
    )
}

/// Whether nothing happens to a job until its user wants it to.
pub(crate) fn is_settled(job: &JobSnapshot) -> bool {
    match job.phase {
        Phase::Completed | Phase::Canceled | Phase::Failed { .. } | Phase::LinkExpired { .. } => true,
        Phase::Paused => job.wish == Wish::Pause,
        Phase::Blocked { by, .. } => by == Blocker::NameTaken,
        _ => false,
    }
}
