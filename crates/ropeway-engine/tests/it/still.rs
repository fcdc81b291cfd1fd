//! An engine in a world where nothing takes time but what a test lets take some: a network, a clock, routes and a queue
//! of the test's own, under tokio's paused clock.

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use http::{HeaderMap, Response};
use ropeway_drivers::{Clients, DriverError, Transport, TransportBody};
use ropeway_engine::{
    DigestPolicy, Engine, EngineConfig, JobSnapshot, Limits, Scope, Seams, ServerPolicy, network::Routes,
};
use ropeway_flow::clock::Clock;
use ropeway_model::{Connections, JobId, JobSpec, LocalTime, PhaseKind, SafeUrl, Schedule, Timestamp, Transfer, Wish};
use ropeway_store::{MemoryQueue, Volume, Waiting};
use ropeway_testkit::TempFolder;
use tokio::time::Instant;

/// What the test's network answers: a status, and then a small file.
pub(crate) type Answer = Result<(u16, Vec<(&'static str, String)>), DriverError>;
type Script = dyn Fn(&SafeUrl) -> Answer + Send + Sync;

/// A network that answers as a test says, and takes note of when it was asked.
pub(crate) struct Net {
    script: Box<Script>,
    asked: Mutex<Vec<(Instant, String)>>,
}

impl Net {
    /// A network whose hosts answer everything alike.
    pub(crate) fn new(script: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Arc<Self> {
        Self::of_addresses(move |url| script(&url.host()))
    }

    /// A network where each address has an answer of its own.
    pub(crate) fn of_addresses(script: impl Fn(&SafeUrl) -> Answer + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { script: Box::new(script), asked: Mutex::default() })
    }

    /// When `host` was asked.
    pub(crate) fn asked(&self, host: &str) -> Vec<Instant> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(_, asked)| asked == host).map(|(at, _)| *at).collect()
    }
}

impl fmt::Debug for Net {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Net").finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl Transport for Net {
    async fn get(&self, url: &SafeUrl, _fields: HeaderMap) -> Result<Response<TransportBody>, DriverError> {
        self.asked.lock().unwrap().push((Instant::now(), url.host()));
        tokio::time::sleep(Duration::from_millis(20)).await;
        let (status, headers) = (self.script)(url)?;
        let body = if status == 200 { "a small file" } else { "" };
        let mut response = Response::builder().status(status).header("Content-Length", body.len());
        for (name, value) in headers {
            response = response.header(name, value);
        }
        let body: TransportBody =
            Box::pin(futures_util::stream::iter([Ok(bytes::Bytes::from_static(body.as_bytes()))]));
        Ok(response.body(body).unwrap())
    }
}

/// A wall clock that follows tokio's and can be set, on a machine that can be said to have slept.
#[derive(Debug, Default)]
pub(crate) struct WallClock {
    start: Mutex<Option<Instant>>,
    /// Milliseconds it is set ahead.
    pub(crate) ahead: AtomicI64,
    /// Seconds the machine has slept.
    pub(crate) slept: AtomicU64,
}

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let start = *self.start.lock().unwrap().get_or_insert_with(Instant::now);
        let passed = i64::try_from(start.elapsed().as_millis()).unwrap();
        Timestamp::from_unix_ms(1_700_000_000_000 + passed + self.ahead.load(SeqCst))
    }

    fn local(&self) -> LocalTime {
        LocalTime { weekday: 1, minute: 0 }
    }

    fn slept(&self) -> Duration {
        Duration::from_secs(self.slept.load(SeqCst))
    }
}

/// Routes that lead everywhere or nowhere.
#[derive(Debug)]
pub(crate) struct Uplink(pub(crate) AtomicBool);

impl Routes for Uplink {
    fn reach(&self, _host: &str) -> bool {
        self.0.load(SeqCst)
    }

    fn lead_out(&self) -> bool {
        self.0.load(SeqCst)
    }
}

/// The volume of the queue, which takes no time and may be full.
#[derive(Debug, Default)]
pub(crate) struct Room {
    pub(crate) is_full: AtomicBool,
}

impl Volume for Room {
    fn commit(&self) -> Waiting<'_, bool> {
        Box::pin(std::future::ready(!self.is_full.load(SeqCst)))
    }
    fn acknowledge(&self) -> Waiting<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// An engine in such a world.
pub(crate) struct Still {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<WallClock>,
    pub(crate) uplink: Arc<Uplink>,
    pub(crate) room: Arc<Room>,
    queue: MemoryQueue,
    folder: TempFolder,
    scope: Scope,
    net: Arc<dyn Transport>,
}

impl Still {
    pub(crate) async fn new(scope: Scope, net: &Arc<impl Transport + 'static>) -> Self {
        let net = Arc::clone(net) as Arc<dyn Transport>;
        let clock = Arc::new(WallClock::default());
        let uplink = Arc::new(Uplink(AtomicBool::new(true)));
        let room = Arc::new(Room::default());
        let mut queue = MemoryQueue::new(Arc::clone(&room) as Arc<dyn Volume>).unwrap();
        let engine = start(&mut queue, scope, &net, &clock, &uplink).await;
        Self { engine, clock, uplink, room, queue, folder: TempFolder::new(), scope, net }
    }

    /// The same queue opened by the next process.
    pub(crate) async fn restart(mut self) -> Self {
        self.engine.shutdown().await;
        self.engine = start(&mut self.queue, self.scope, &self.net, &self.clock, &self.uplink).await;
        self
    }

    /// A path in the folder of its downloads.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn spec(&self, url: &str) -> JobSpec {
        JobSpec::new(Transfer::Download { from: url.parse().unwrap(), into: self.folder.path().to_owned(), name: None })
    }

    pub(crate) async fn add(&self, specs: Vec<JobSpec>) -> Vec<JobId> {
        self.engine.add(specs, Wish::Run).await.unwrap()
    }

    pub(crate) fn kind(&self, id: JobId) -> PhaseKind {
        self.engine.job(id).unwrap().phase.kind()
    }

    /// How long it takes until that holds; at most a day.
    pub(crate) async fn until(&self, holds: impl Fn(&[JobSnapshot]) -> bool) -> Duration {
        let start = Instant::now();
        while !holds(&self.engine.jobs()) {
            assert!(start.elapsed() < Duration::from_secs(24 * 3600), "{:?}", self.engine.jobs().first());
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        start.elapsed()
    }
}

async fn start(
    queue: &mut MemoryQueue,
    scope: Scope,
    net: &Arc<dyn Transport>,
    clock: &Arc<WallClock>,
    uplink: &Arc<Uplink>,
) -> Engine {
    let seams = Seams {
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        clients: Clients::over(Arc::clone(net)),
        routes: Arc::clone(uplink) as Arc<dyn Routes>,
        ..Seams::default()
    };
    let limits =
        Limits { running_jobs: 16, connections: Some(Connections::new(4).unwrap()), download: None, upload: None };
    let config = EngineConfig {
        database: None,
        scope,
        digests: DigestPolicy::WhereGiven,
        limits,
        schedule: Schedule::default(),
        servers: ServerPolicy::default(),
        is_held: false,
        is_alone: false,
    };
    Engine::start(queue.open(), seams, config).await.unwrap()
}

pub(crate) fn all(kind: PhaseKind) -> impl Fn(&[JobSnapshot]) -> bool {
    move |jobs| jobs.iter().all(|job| job.phase.kind() == kind)
}
