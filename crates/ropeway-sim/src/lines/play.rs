//! One download over one line.

use std::{sync::Arc, time::Duration};

use ropeway_drivers::{Clients, Drivers};
use ropeway_engine::{DigestPolicy, Engine, EngineConfig, Limits, Scope, Seams, ServerPolicy};
use ropeway_flow::blocking::Blocking;
use ropeway_model::{Connections, JobSpec, PhaseKind, Schedule, Transfer, Wish};
use ropeway_store::MemoryQueue;
use tokio::time::Instant;

use super::{
    blank::Blank,
    net::{Line, Net},
};

/// No download of a line takes longer.
const LONGEST: Duration = Duration::from_secs(8 * 3600);

/// What a download came to.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// How long it took.
    pub seconds: f64,
    /// Connections that were opened, and at once at the most.
    pub opened: u64,
    /// Connections at once, at the most.
    pub peak: usize,
    /// Requests that the server refused.
    pub refused: u64,
    /// The share of the file that was sent in vain.
    pub wasted: f64,
}

/// Downloads the file at the end of `line` with so many connections, or with as many as the line is worth: after `before`
/// other downloads from the same server.
pub fn play(line: Line, connections: Option<u8>, before: u32) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without input and output needs nothing").block_on(async {
        let net = Arc::new(Net::new(line));
        let blank = Blank::new();
        let world = Arc::new(blank.clone());
        let seams = Seams {
            clock: Arc::clone(&world) as _,
            disk: Arc::clone(&world) as _,
            drivers: Drivers::default(),
            clients: Clients::over(Arc::clone(&net) as _),
            blocking: Blocking::InTurn(Arc::clone(&world) as _),
            rng: Arc::clone(&world) as _,
            routes: Arc::clone(&world) as _,
        };
        let connections = connections.and_then(|count| Connections::new(count).ok());
        let config = EngineConfig {
            database: None,
            scope: Scope::Once,
            digests: DigestPolicy::WhereGiven,
            limits: Limits { running_jobs: 1, connections, download: None, upload: None },
            is_held: false,
            is_alone: false,
            schedule: Schedule::default(),
            servers: ServerPolicy::default(),
        };
        let mut queue = MemoryQueue::new(Arc::clone(&world) as _).expect("a queue in memory opens");
        let engine = Engine::start(queue.open(), seams, config).await.expect("an engine over nothing starts");
        let mut outcome = download(&engine, &net, line).await;
        for _ in 0..before {
            outcome = download(&engine, &net, line).await;
        }
        engine.shutdown().await;
        outcome
    })
}

async fn download(engine: &Engine, net: &Net, line: Line) -> Outcome {
    let (began, had) = (Instant::now(), net.seen());
    net.forget();
    let scheme = if line.is_secure { "https" } else { "http" };
    let from = format!("{scheme}://far.test/file.bin").parse().expect("an address");
    let spec = JobSpec::new(Transfer::Download { from, into: "/downloads".into(), name: None });
    let id = engine.add(vec![spec], Wish::Run).await.expect("a job is added")[0];
    loop {
        let job = engine.job(id).expect("the job is there");
        match job.phase.kind() {
            PhaseKind::Completed => break,
            PhaseKind::Failed | PhaseKind::Canceled => panic!("{line:?}: {:?}", job.phase),
            _ => {}
        }
        assert!(began.elapsed() < LONGEST, "{line:?}: {:?}", job.progress);
        tokio::time::sleep((began.elapsed() / 1000).max(Duration::from_millis(1))).await;
    }
    let seen = net.seen();
    #[expect(clippy::cast_precision_loss, reason = "files stay below 2^53 bytes")]
    let size = line.size as f64;
    Outcome {
        seconds: began.elapsed().as_secs_f64(),
        opened: seen.opened - had.opened,
        peak: seen.peak,
        refused: seen.refused - had.refused,
        wasted: (seen.wasted - had.wasted) / size,
    }
}
