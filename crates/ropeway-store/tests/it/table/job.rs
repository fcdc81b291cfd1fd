//! Rows of jobs: identity, the same transfer again, changes, damage.

use std::path::PathBuf;

use ropeway_model::{Timestamp, Transfer};
use ropeway_store::{JobChange, Store, StoreError};
use rusqlite::Connection;

use crate::sample;

#[tokio::test]
async fn a_number_is_never_given_twice() {
    let store = Store::in_memory().await.unwrap();
    let first = sample::insert(&store, sample::downloads(3)).await;
    store.remove_jobs(first.clone()).await.unwrap();
    let second = sample::insert(&store, sample::downloads(1)).await;
    assert!(second[0] > first[2], "{second:?} after {first:?}");
}

#[tokio::test]
async fn removing_a_job_takes_its_segments_and_log_and_leaves_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let queue = folder.path().join("queue.db");
    let store = Store::open(&queue).await.unwrap();
    let ids = sample::insert(&store, sample::downloads(2)).await;
    for id in &ids {
        let change = JobChange {
            segments: Some(Some(sample::written(10, 4))),
            upload: Some(Some(sample::upload_state())),
            log: vec![(Timestamp::from_unix_ms(5), "started".to_owned())],
            ..JobChange::new(*id)
        };
        store.save(vec![change]).await.unwrap();
    }
    store.remove_jobs(vec![ids[0], ids[0]]).await.unwrap();
    assert_eq!(sample::order(&store).await, ids[1..]);
    let raw = Connection::open(&queue).unwrap();
    for table in ["segment", "upload", "log"] {
        let sql = format!("SELECT count(*), min(job) FROM {table}");
        let left: (i64, i64) = raw.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(left, (1, ids[1].row()), "{table}");
    }
}

#[tokio::test]
async fn a_removed_job_leaves_no_secret_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let queue = folder.path().join("queue.db");
    let store = Store::open(&queue).await.unwrap();
    let ids = sample::insert(&store, vec![sample::download("https://user:hunter2secret@example.org/f")]).await;
    store.remove_jobs(ids).await.unwrap();
    store.close().await.unwrap();
    let file = std::fs::read(&queue).unwrap();
    assert!(!file.windows(13).any(|window| window == b"hunter2secret"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_path_that_is_no_unicode_comes_back_byte_for_byte() {
    use std::os::unix::ffi::OsStringExt;
    let path = PathBuf::from(std::ffi::OsString::from_vec(b"/data/\xff\xfe caf\xe9.bin".to_vec()));
    let store = Store::in_memory().await.unwrap();
    let mut job =
        sample::new_job(Transfer::Upload { from: path.clone(), to: "https://nas.example/in/".parse().unwrap() });
    job.spec.network.ca_file = Some(path.clone());
    let id = sample::insert(&store, vec![job.clone()]).await[0];
    let change = JobChange { part_path: Some(Some(path.clone())), ..JobChange::new(id) };
    store.save(vec![change]).await.unwrap();
    let row = sample::row(&store, id).await;
    assert_eq!((&row.spec, row.part_path.as_ref()), (&job.spec, Some(&path)));
}

#[tokio::test]
async fn a_change_of_an_unknown_job_changes_nothing_at_all() {
    let store = Store::in_memory().await.unwrap();
    let id = sample::insert(&store, sample::downloads(1)).await[0];
    let gone = ropeway_model::JobId::from_row(77);
    let changes = vec![JobChange { durable: Some(5), ..JobChange::new(id) }, JobChange::new(gone)];
    let error = store.save(changes).await.unwrap_err();
    assert!(matches!(error, StoreError::NoSuchJob { id, .. } if id == gone), "{error}");
    assert_eq!(sample::row(&store, id).await.durable, 0);
}

#[tokio::test]
async fn a_length_that_no_file_has_is_refused() {
    let store = Store::in_memory().await.unwrap();
    let id = sample::insert(&store, sample::downloads(1)).await[0];
    let most = u64::try_from(i64::MAX).unwrap();
    store.save(vec![JobChange { durable: Some(most), ..JobChange::new(id) }]).await.unwrap();
    let error = store.save(vec![JobChange { durable: Some(most + 1), ..JobChange::new(id) }]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unstorable { .. }), "{error}");
    assert_eq!(sample::row(&store, id).await.durable, most);
}

#[tokio::test]
async fn a_damaged_row_is_refused_by_its_number_and_without_its_secrets() {
    for damage in [
        "phase = 'flying'",
        "phase = 'waiting'",
        "phase_detail = '[1]'",
        "wish = 'hope'",
        "direction = 'sideways'",
        "address = 'hunter2 is no url'",
        "name = '../up'",
        r#"options = '{"headers":"hunter2"}'"#,
        "options = 'hunter2'",
        "durable = -1",
        "digest = 'sha256:00'",
        "remote = '{}'",
        "part_path = 5",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let queue = folder.path().join("queue.db");
        let store = Store::open(&queue).await.unwrap();
        sample::insert(&store, sample::downloads(1)).await;
        Connection::open(&queue).unwrap().execute(&format!("UPDATE job SET {damage}"), []).unwrap();
        let error = store.jobs().await.unwrap_err();
        assert!(matches!(&error, StoreError::Corrupt { record, .. } if record == "job 1"), "{damage}: {error}");
        assert!(!error.to_string().contains("hunter2"), "{damage}: {error}");
    }
}
