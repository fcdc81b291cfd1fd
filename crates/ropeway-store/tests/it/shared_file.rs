//! Several processes and handles on one queue at the same time.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    time::Duration,
};

use ropeway_model::JobId;
use ropeway_store::Store;
use tokio::task::JoinSet;

use crate::{child, sample};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_write_to_one_queue_lose_nothing() {
    const JOBS_EACH: usize = 25;
    let folder = tempfile::tempdir().unwrap();
    let queue = folder.path().join("queue.db");
    let children = [child::start(&queue, JOBS_EACH), child::start(&queue, JOBS_EACH)];
    let own = Store::open(&queue).await.unwrap();
    let mut promised = BTreeSet::new();
    for url in 0..JOBS_EACH {
        let ids = sample::insert(&own, vec![sample::download(&format!("https://example.org/own/{url}"))]).await;
        assert!(promised.insert(ids[0].row()));
    }
    for mut child in children {
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            if let Some(id) = child::acknowledged(&format!("{}\n", line.unwrap()), "job ") {
                assert!(promised.insert(id), "two processes were given the number {id}");
            }
        }
        assert!(child.wait().unwrap().success());
    }
    let jobs = own.jobs().await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.id.row()).collect::<BTreeSet<_>>(), promised);
    assert_eq!(promised.len(), JOBS_EACH * (2 * child::CALLERS + 1));
    assert!(jobs.is_sorted_by(|a, b| a.position < b.position), "two jobs have the same place in the list");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handles_that_create_the_queue_at_the_same_time_all_open_it() {
    let folder = tempfile::tempdir().unwrap();
    let queue = folder.path().join("queue.db");
    let mut handles = JoinSet::new();
    for number in 0..12 {
        let queue = queue.clone();
        handles.spawn(async move {
            let store = Store::open(&queue).await.unwrap();
            sample::insert(&store, vec![sample::download(&format!("https://example.org/{number}"))]).await;
        });
    }
    handles.join_all().await;
    assert_eq!(Store::open(&queue).await.unwrap().jobs().await.unwrap().len(), 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_somebody_else_has_locked_is_waited_for_and_no_change_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let queue = folder.path().join("queue.db");
    let store = Store::open(&queue).await.unwrap();
    let other = rusqlite::Connection::open(&queue).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut saves = JoinSet::new();
    for number in 0..8 {
        let store = store.clone();
        saves.spawn(async move {
            sample::insert(&store, vec![sample::download(&format!("https://example.org/{number}"))]).await
        });
    }
    let early = tokio::time::timeout(Duration::from_millis(300), saves.join_next()).await;
    assert!(early.is_err(), "a change was acknowledged while nothing could be written: {early:?}");
    other.execute_batch("COMMIT").unwrap();
    let ids: BTreeSet<_> = saves.join_all().await.into_iter().flatten().map(JobId::row).collect();
    assert_eq!(ids.len(), 8);
    let stored: BTreeSet<_> = store.jobs().await.unwrap().iter().map(|job| job.id.row()).collect();
    assert_eq!(stored, ids);
}
