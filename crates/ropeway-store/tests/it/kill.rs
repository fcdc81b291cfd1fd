//! Acknowledged means durable: a process that is killed at any moment has lost nothing it had promised.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    path::Path,
};

use ropeway_store::Store;

use crate::child;

const ROUNDS: u64 = 25;

/// What the queue's process had promised before it was killed.
#[derive(Default)]
struct Promises {
    jobs: BTreeSet<i64>,
    saved: BTreeSet<i64>,
}

/// Runs the child until it has acknowledged `patience` things, kills it in the middle of the next ones, and adds what it
/// had still said to `promises`.
fn run_and_kill(queue: &Path, patience: usize, promises: &mut Promises) {
    let mut child = child::start(queue, usize::MAX);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut heard = 0;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).unwrap() == 0 {
            break;
        }
        if let Some(id) = child::acknowledged(&line, "job ") {
            assert!(promises.jobs.insert(id), "the number {id} was given twice");
            heard += 1;
        }
        if let Some(id) = child::acknowledged(&line, "saved ") {
            promises.saved.insert(id);
            heard += 1;
        }
        if heard == patience {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(heard >= patience, "the child ended by itself after {heard} of {patience} acknowledgements");
}

async fn holds(queue: &Path, promises: &Promises) {
    let store = Store::open(queue).await.unwrap();
    let jobs = store.jobs().await.unwrap();
    let found: BTreeSet<i64> = jobs.iter().map(|job| job.id.row()).collect();
    let lost: Vec<_> = promises.jobs.difference(&found).collect();
    assert!(lost.is_empty(), "acknowledged jobs are gone: {lost:?}");
    for job in jobs {
        let expected = child::durable_for(job.id.row());
        assert!(job.durable == expected || !promises.saved.contains(&job.id.row()), "a saved checkpoint is gone");
        let segments = store.segments(job.id).await.unwrap();
        let in_place = segments.map_or(0, |segments| segments.written());
        assert_eq!(job.durable, in_place, "half a checkpoint of job {}", job.id);
    }
    // Dropped without close, so that the next round starts from the write-ahead log.
    drop(store);
    let raw = rusqlite::Connection::open(queue).unwrap();
    let verdict: String = raw.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let queue = folder.path().join("queue.db");
    let mut promises = Promises::default();
    for round in 0..ROUNDS {
        // Spread over the first commits, the groups after them and the write-ahead log's automatic checkpoints.
        let patience = usize::try_from(round * round * 7919 % 400 + 1).unwrap();
        run_and_kill(&queue, patience, &mut promises);
        holds(&queue, &promises).await;
    }
    assert!(promises.saved.len() > 1000, "only {} checkpoints were seen", promises.saved.len());
}
