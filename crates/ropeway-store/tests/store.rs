//! The durable queue as its callers see it, in memory and in a file.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use ropeway_model::{JobSpec, Phase, Timestamp, Transfer, Wish};
use ropeway_store::{JobChange, NewJob, Store};

fn download(url: &str) -> NewJob {
    let transfer = Transfer::Download { from: url.parse().unwrap(), into: "/downloads".into(), name: None };
    NewJob { spec: JobSpec::new(transfer), wish: Wish::Run, phase: Phase::Queued, created: Timestamp::from_unix_ms(1) }
}

#[tokio::test]
async fn an_acknowledged_job_is_there_after_the_queue_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let store = Store::open(&path).await.unwrap();
    let ids =
        store.insert_jobs(vec![download("https://example.org/a"), download("https://example.org/b")]).await.unwrap();
    store.save(vec![JobChange { phase: Some(Phase::Paused), ..JobChange::new(ids[1]) }]).await.unwrap();
    store.close().await.unwrap();
    let jobs = Store::open(&path).await.unwrap().jobs().await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.id).collect::<Vec<_>>(), ids);
    assert_eq!(jobs[1].phase, Phase::Paused);
}
