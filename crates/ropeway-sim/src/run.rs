//! One run: a seed, a world, a few lives of the process, and what was found.

use std::{sync::Arc, time::Duration};

use ropeway_drivers::{Clients, Drivers};
use ropeway_engine::{Engine, EngineConfig, Limits, Scope, Seams};
use ropeway_flow::blocking::Blocking;
use ropeway_model::{Connections, Schedule};
use ropeway_store::MemoryQueue;

use crate::{
    disk::SimDisk,
    invariants::{self, Queue},
    panics,
    plan::{How, Plan, When},
    plant::Plant,
    random::Random,
    server::SimServer,
    user::User,
    volume::SimVolume,
    world::World,
};

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// The seed it follows from.
    pub seed: u64,
    /// What did not hold, one sentence each; empty if all did.
    pub wrong: Vec<String>,
    /// Stands for everything that happened: equal for two runs that went the same way.
    pub digest: u64,
    /// How many things happened.
    pub events: u64,
    /// The last lines of what happened.
    pub trace: Vec<String>,
}

/// Everything that outlives a process.
struct Run {
    world: Arc<World>,
    disk: SimDisk,
    server: Arc<SimServer>,
    volume: Arc<SimVolume>,
    queue: MemoryQueue,
    user: User,
    plan: Plan,
    /// Acts that have been begun.
    acted: usize,
}

/// Runs `seed`, with a fault planted or without.
pub fn run(seed: u64, plant: Option<Plant>) -> Report {
    let _watch = panics::watch();
    let mut run = Run::new(seed, plant);
    let ends = std::mem::take(&mut run.plan.ends);
    for (when, how) in ends {
        run.life(Some((when, how)));
        if run.world.is_violated() {
            return run.report(seed);
        }
    }
    run.life(None);
    run.report(seed)
}

impl Run {
    fn new(seed: u64, plant: Option<Plant>) -> Self {
        let mut random = Random::new(seed);
        let plan = Plan::any(&mut random.fork());
        let world = Arc::new(World::new(&mut random, plan.rough));
        world.note(format_args!("{:?} {:?} {:?}", plan.acts, plan.ends, plan.trouble));
        let disk = SimDisk::new(Arc::clone(&world), random.fork(), plan.trouble.clone(), plant);
        for file in &plan.users_files {
            disk.put(file, invariants::users_bytes());
        }
        let server = Arc::new(SimServer::new(Arc::clone(&world)));
        for job in &plan.jobs {
            server.serve(&job.url, job.remote.clone(), job.random.clone());
            for other in &job.others {
                server.serve(&other.url, other.remote.clone(), other.random.clone());
            }
            if plan.scope == Scope::Queue {
                // A command that is given now is carried out now.
                server.wait_until(&job.url, job.starts);
            }
        }
        let volume = Arc::new(SimVolume::new(Arc::clone(&world), random.fork(), plan.rough));
        let queue = MemoryQueue::new(Arc::clone(&volume) as _).expect("a queue in memory opens");
        if let Some(sql) = plant.and_then(Plant::sql) {
            queue.tamper(sql).expect("the planted fault is SQL");
        }
        for upload in &plan.uploads {
            disk.put_source(upload.source.clone());
            server.receive(upload);
        }
        let user = User::new(Arc::clone(&world), Arc::clone(&server), &plan);
        Self { world, disk, server, volume, queue, user, plan, acted: 0 }
    }

    /// One process, from its start to its end, and the look at what it leaves.
    fn life(&mut self, end: Option<(When, How)>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime without input and output needs nothing");
        runtime.block_on(self.live(end));
        let is_off = self.world.is_off();
        // Ends every task wherever it waits, as a kill does.
        drop(runtime);
        self.disk.kill();
        if let (Some((_, How::PowerCut)), true) = (end, is_off) {
            self.world.note(format_args!("power cut"));
            self.disk.cut();
        }
        for panic in panics::take() {
            self.world.violate(format!("a panic: {panic}"));
        }
        match Queue::read(&self.queue.open()) {
            Err(error) => self.world.violate(format!("the queue cannot be read: {error}")),
            Ok(queue) => {
                invariants::check(&mut self.user, &self.disk, &queue);
                if let (Some((_, How::Kill)), true) = (end, is_off) {
                    invariants::soft::check(&self.user, &self.disk, &queue);
                }
                if end.is_none() && !self.world.is_violated() {
                    invariants::check_end(&self.user, &self.disk, &queue, &self.plan.users_files);
                }
                self.user.meet(&queue.rows);
            }
        }
    }

    async fn live(&mut self, end: Option<(When, How)>) {
        /// No life that is to end by itself is longer.
        const LONGEST: u64 = 60_000;
        let world = Arc::clone(&self.world);
        world.begin();
        self.disk.begin();
        world.note(format_args!("a process starts, to end {end:?}"));
        self.server.forgive_all();
        let after = match end {
            None => None,
            Some((When::After(milliseconds), _)) => Some(milliseconds),
            Some((When::DiskOperation(count), _)) => {
                self.disk.stop_after(Some(count));
                Some(LONGEST)
            }
            Some((When::Commit(count, side), _)) => {
                self.volume.stop_after(Some((count, side)));
                Some(LONGEST)
            }
        };
        let until = after.map(|after| world.now() + after);
        tokio::select! {
            biased;
            () = world.until_off() => {}
            () = self.work(until, end.map(|(_, how)| how)) => {}
        }
        self.server.watch(None);
        self.disk.stop_after(None);
        self.volume.stop_after(None);
        world.end();
    }

    /// What the process does and its user does with it.
    async fn work(&mut self, until: Option<u64>, how: Option<How>) {
        let config = EngineConfig {
            database: Some("/state/queue.db".into()),
            scope: self.plan.scope,
            digests: self.plan.digests,
            limits: Limits {
                running_jobs: self.plan.running_jobs,
                connections: Connections::new(4).ok(),
                download: None,
                upload: None,
            },
            schedule: Schedule::default(),
            servers: self.plan.servers.clone(),
            is_held: false,
            is_alone: false,
        };
        let engine = match Engine::start(self.queue.open(), self.seams(), config).await {
            Ok(engine) => engine,
            Err(error) => return self.world.violate(format!("the engine does not start: {error}")),
        };
        self.server.watch(Some(engine.clone()));
        if self.plan.scope == Scope::Once {
            self.user.command(&engine).await;
        }
        loop {
            let next = self.plan.acts.get(self.acted).map(|(at, _)| *at);
            if until.is_some_and(|until| next.is_none_or(|next| until <= next)) {
                break;
            }
            let Some(next) = next else { break };
            self.sleep_until(next).await;
            let act = self.plan.acts[self.acted].1.clone();
            self.acted += 1;
            self.user.act(&engine, &act).await;
        }
        match (until, how) {
            (Some(until), Some(How::Restart)) => {
                self.sleep_until(until).await;
                engine.shutdown().await;
            }
            (Some(until), _) => {
                self.sleep_until(until).await;
                self.world.turn_off();
            }
            (None, _) => self.finish(&engine).await,
        }
    }

    /// Nothing breaks any more: every job comes to its end, at the latest when its user has asked for it again.
    async fn finish(&mut self, engine: &Engine) {
        /// A job that failed is asked for again this often: what failed while things broke may need it.
        const ROUNDS: usize = 3;
        self.sleep_until(self.plan.rough).await;
        for _ in 0..ROUNDS {
            self.world.note(format_args!("nothing breaks any more"));
            self.user.settle(engine).await;
        }
        engine.shutdown().await;
    }

    async fn sleep_until(&self, moment: u64) {
        tokio::time::sleep(Duration::from_millis(moment.saturating_sub(self.world.now()))).await;
    }

    fn seams(&self) -> Seams {
        Seams {
            clock: Arc::clone(&self.world) as _,
            disk: Arc::new(self.disk.clone()),
            drivers: Drivers::default(),
            clients: Clients::over(Arc::clone(&self.server) as _),
            blocking: Blocking::InTurn(Arc::clone(&self.world) as _),
            rng: Arc::clone(&self.world) as _,
            routes: Arc::clone(&self.world) as _,
        }
    }

    fn report(&self, seed: u64) -> Report {
        let (digest, events, trace) =
            self.world.with_trace(|trace| (trace.digest(), trace.count(), trace.last().map(str::to_owned).collect()));
        Report { seed, wrong: self.world.wrong(), digest, events, trace }
    }
}
