//! How often the disk is asked to sync: counted in the write-ahead log, whose format SQLite documents.

use std::{fs, path::Path};

use ropeway_model::{JobId, Phase};
use ropeway_store::{JobChange, Store, StoreError};
use tokio::task::JoinSet;

use crate::sample;

const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Commits in the queue's write-ahead log: frames of its current generation that name the size of the database.
fn commits(queue: &Path) -> usize {
    let log = fs::read(queue.with_extension("db-wal")).unwrap();
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let page = usize::try_from(number(8)).unwrap();
    (LOG_HEADER..log.len())
        .step_by(FRAME_HEADER + page)
        .filter(|frame| log[frame + 8..frame + 16] == log[16..24] && number(frame + 4) != 0)
        .count()
}

#[tokio::test]
async fn ten_thousand_jobs_are_one_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let queue = folder.path().join("queue.db");
    let store = Store::open(&queue).await.unwrap();
    let before = commits(&queue);
    let ids = sample::insert(&store, sample::downloads(10_000)).await;
    assert_eq!(commits(&queue) - before, 1);
    assert_eq!(sample::order(&store).await, ids);
}

/// Sends every save while the queue is locked, so that all of them wait together, and returns their answers.
async fn save_together(queue: &Path, store: &Store, saves: Vec<Vec<JobChange>>) -> Vec<Result<(), StoreError>> {
    let lock = rusqlite::Connection::open(queue).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut waiting = JoinSet::new();
    for (number, changes) in saves.into_iter().enumerate() {
        let store = store.clone();
        waiting.spawn(async move { (number, store.save(changes).await) });
    }
    // On this one thread, each of them is polled once before this goes on: all are in the store's queue then.
    tokio::task::yield_now().await;
    lock.execute_batch("COMMIT").unwrap();
    let mut answers = waiting.join_all().await;
    answers.sort_by_key(|(number, _)| *number);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[tokio::test]
async fn sixteen_jobs_that_complete_at_once_cost_one_commit() {
    let folder = tempfile::tempdir().unwrap();
    let queue = folder.path().join("queue.db");
    let store = Store::open(&queue).await.unwrap();
    let ids = sample::insert(&store, sample::downloads(16)).await;
    let before = commits(&queue);
    let completed = |id: &JobId| vec![JobChange { phase: Some(Phase::Completed), ..JobChange::new(*id) }];
    let answers = save_together(&queue, &store, ids.iter().map(completed).collect()).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(commits(&queue) - before, 1);
    assert!(store.jobs().await.unwrap().iter().all(|job| job.phase == Phase::Completed));
}

#[tokio::test]
async fn a_save_that_fails_takes_no_other_of_its_group_along() {
    let folder = tempfile::tempdir().unwrap();
    let queue = folder.path().join("queue.db");
    let store = Store::open(&queue).await.unwrap();
    let ids = sample::insert(&store, sample::downloads(3)).await;
    let durable = |id: JobId| JobChange { durable: Some(7), ..JobChange::new(id) };
    let unknown = JobId::from_row(999);
    let saves = vec![vec![durable(ids[0])], vec![durable(ids[1]), durable(unknown)], vec![durable(ids[2])]];
    let answers = save_together(&queue, &store, saves).await;
    assert!(matches!(answers[1], Err(StoreError::NoSuchJob { id, .. }) if id == unknown), "{answers:?}");
    assert!(answers[0].is_ok() && answers[2].is_ok(), "{answers:?}");
    let durable: Vec<u64> = store.jobs().await.unwrap().iter().map(|job| job.durable).collect();
    assert_eq!(durable, [7, 0, 7], "the refused save must leave nothing, not even its first change");
}
