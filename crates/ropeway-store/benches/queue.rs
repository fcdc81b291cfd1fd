//! How fast the durable queue is on this machine's disk: `cargo bench -p ropeway-store`.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints figures")]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use ropeway_model::{HeaderField, JobSpec, Phase, Secrets, SegmentMap, Timestamp, Transfer, Wish};
use ropeway_store::{JobChange, NewJob, Store};
use tokio::task::JoinSet;

/// A job as heavy as real ones: a signed link, a login, a checksum.
fn job(number: usize) -> NewJob {
    let from = format!("https://files.example.org/archive/2026/release-{number}.tar.zst?sig=0123456789abcdef");
    let transfer = Transfer::Download { from: from.parse().unwrap(), into: "/home/user/Downloads".into(), name: None };
    let mut spec = JobSpec::new(transfer);
    spec.secrets = Secrets::of(&spec.address().clone(), vec![HeaderField::basic_login("user", "password")]);
    spec.checksum = Some(format!("sha256:{number:064x}").parse().unwrap());
    NewJob { spec, wish: Wish::Run, phase: Phase::Queued, created: Timestamp::from_unix_ms(1_700_000_000_000) }
}

fn jobs(count: usize) -> Vec<NewJob> {
    (0..count).map(job).collect()
}

fn report(what: &str, took: Duration) {
    println!("{what:<52} {:>10.1} ms", took.as_secs_f64() * 1000.0);
}

async fn inserts(folder: &Path) -> Store {
    let store = Store::open(&folder.join("ten-thousand.db")).await.unwrap();
    let ten_thousand = jobs(10_000);
    let started = Instant::now();
    store.insert_jobs(ten_thousand).await.unwrap();
    report("insert 10,000 jobs, acknowledged", started.elapsed());
    store
}

async fn checkpoints(store: &Store) {
    const ROUNDS: u32 = 50;
    let ids: Vec<_> = store.jobs().await.unwrap().iter().take(16).map(|job| job.id).collect();
    let mut map = SegmentMap::whole(1 << 40);
    for start in [0, 1 << 39, 1 << 38, 3 << 38] {
        map.halve(start, 1);
    }
    let change = |id| JobChange { durable: Some(1 << 30), segments: Some(Some(map.clone())), ..JobChange::new(id) };
    let started = Instant::now();
    for _ in 0..ROUNDS {
        store.save(vec![change(ids[0])]).await.unwrap();
    }
    report("checkpoint of one job", started.elapsed() / ROUNDS);
    let started = Instant::now();
    for _ in 0..ROUNDS {
        let mut saves = JoinSet::new();
        for id in &ids {
            let (store, change) = (store.clone(), change(*id));
            saves.spawn(async move { store.save(vec![change]).await.unwrap() });
        }
        saves.join_all().await;
    }
    report("16 checkpoints by 16 callers at once", started.elapsed() / ROUNDS);
}

async fn loads(folder: &Path) {
    let path = folder.join("hundred-thousand.db");
    let store = Store::open(&path).await.unwrap();
    store.insert_jobs(jobs(100_000)).await.unwrap();
    store.close().await.unwrap();
    let started = Instant::now();
    let store = Store::open(&path).await.unwrap();
    report("open a queue of 100,000 jobs", started.elapsed());
    let started = Instant::now();
    let rows = store.jobs().await.unwrap();
    report("read 100,000 jobs", started.elapsed());
    let (last, third) = (rows[99_999].id, rows[2].id);
    let started = Instant::now();
    store.move_jobs(vec![last], Some(third)).await.unwrap();
    report("move the last of them to the third place", started.elapsed());
    let started = Instant::now();
    store.remove_jobs(rows.iter().take(10_000).map(|row| row.id).collect()).await.unwrap();
    report("remove 10,000 of them", started.elapsed());
    store.close().await.unwrap();
    let bytes = std::fs::metadata(&path).unwrap().len();
    println!("{:<52} {:>10.1} MiB", "file of 100,000 jobs", f64::from(u32::try_from(bytes >> 10).unwrap()) / 1024.0);
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // Beside the build and not in the system's temporary folder, which is often memory: syncs are what is measured.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = inserts(folder.path()).await;
    checkpoints(&store).await;
    loads(folder.path()).await;
}
