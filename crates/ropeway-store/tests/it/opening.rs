//! Opening, reopening and refusing files.

use std::{fs, io::Write, path::Path};

use ropeway_model::FailureCode;
use ropeway_store::{Store, StoreError};
use rusqlite::Connection;

use crate::sample;

/// What `Store::open` says against `path`.
async fn refusal(path: &Path) -> StoreError {
    let error = Store::open(path).await.unwrap_err();
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error} does not name its file");
    assert_eq!(error.code(), FailureCode::StateFailed);
    error
}

#[tokio::test]
async fn a_queue_is_whole_in_its_file_after_close_and_opens_again() {
    let folder = tempfile::tempdir().unwrap();
    let queue = folder.path().join("queue.db");
    let store = Store::open(&queue).await.unwrap();
    let ids = sample::insert(&store, sample::downloads(3)).await;
    store.close().await.unwrap();
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["queue.db"], "nothing but the file stays behind");
    assert_eq!(sample::order(&Store::open(&queue).await.unwrap()).await, ids);
}

#[tokio::test]
async fn a_queue_is_created_from_an_empty_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    sample::insert(&Store::open(file.path()).await.unwrap(), sample::downloads(1)).await;
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_queue_and_its_log() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let queue = folder.path().join("queue.db");
    fs::OpenOptions::new().write(true).create_new(true).open(&queue).unwrap();
    fs::set_permissions(&queue, fs::Permissions::from_mode(0o644)).unwrap();
    let store = Store::open(&queue).await.unwrap();
    sample::insert(&store, sample::downloads(1)).await;
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 3, "the file, its log and the log's index");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.file_name());
    }
}

#[tokio::test]
async fn a_newer_queue_is_refused_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let queue = folder.path().join("queue.db");
    Store::open(&queue).await.unwrap().close().await.unwrap();
    Connection::open(&queue).unwrap().pragma_update(None, "user_version", 1000).unwrap();
    let before = fs::read(&queue).unwrap();
    let error = refusal(&queue).await;
    assert!(matches!(error, StoreError::NewerSchema { found: 1000, .. }), "{error}");
    assert!(error.to_string().contains("update Ropeway"), "{error}");
    assert_eq!(fs::read(&queue).unwrap(), before);
}

#[tokio::test]
async fn what_is_no_queue_is_refused_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    fs::OpenOptions::new().write(true).create_new(true).open(&text).unwrap().write_all(b"buy milk").unwrap();
    let foreign = folder.path().join("bookmarks.db");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE bookmark (url TEXT)").unwrap();
    for path in [text, foreign] {
        let before = fs::read(&path).unwrap();
        let error = refusal(&path).await;
        assert!(matches!(error, StoreError::NotAQueue { .. } | StoreError::NoDatabase { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_in_the_place_of_the_queue_or_its_log_is_not_followed() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let victim = folder.path().join("victim");
    fs::OpenOptions::new().write(true).create_new(true).open(&victim).unwrap();
    fs::set_permissions(&victim, fs::Permissions::from_mode(0o644)).unwrap();
    for name in ["queue.db", "queue.db-wal", "queue.db-shm", "queue.db-journal"] {
        let data = tempfile::tempdir().unwrap();
        symlink(&victim, data.path().join(name)).unwrap();
        let error = refusal(&data.path().join("queue.db")).await;
        assert!(matches!(error, StoreError::Open { .. }), "{name}: {error}");
    }
    let metadata = fs::metadata(&victim).unwrap();
    assert_eq!((metadata.permissions().mode() & 0o777, metadata.len()), (0o644, 0));
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = refusal(&folder.path().join("missing").join("queue.db")).await;
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
}

#[tokio::test]
async fn a_closed_queue_answers_its_other_handles() {
    let store = Store::in_memory().await.unwrap();
    let other = store.clone();
    store.close().await.unwrap();
    let error = other.insert_jobs(sample::downloads(1)).await.unwrap_err();
    assert!(matches!(error, StoreError::Closed { .. }), "{error}");
    assert!(matches!(other.close().await.unwrap_err(), StoreError::Closed { .. }));
}

#[tokio::test]
async fn what_was_sent_before_close_is_carried_out() {
    let folder = tempfile::tempdir().unwrap();
    let queue = folder.path().join("queue.db");
    let store = Store::open(&queue).await.unwrap();
    let early = tokio::spawn({
        let store = store.clone();
        async move { store.insert_jobs(sample::downloads(500)).await }
    });
    tokio::task::yield_now().await;
    store.close().await.unwrap();
    let acknowledged = early.await.unwrap().unwrap();
    let jobs = Store::open(&queue).await.unwrap().jobs().await.unwrap();
    assert_eq!(jobs.iter().map(|job| (job.id, job.position)).collect::<Vec<_>>(), acknowledged);
}
