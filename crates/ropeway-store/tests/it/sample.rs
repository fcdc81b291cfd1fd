//! Jobs to put into queues under test.

use ropeway_model::{JobId, JobSpec, Phase, SegmentMap, Timestamp, Transfer, Wish};
use ropeway_store::{JobRow, NewJob, Store, UploadSession, UploadState};

/// A queued download of `url`.
pub(crate) fn download(url: &str) -> NewJob {
    new_job(Transfer::Download { from: url.parse().unwrap(), into: "/downloads".into(), name: None })
}

/// `count` queued downloads of different files.
pub(crate) fn downloads(count: usize) -> Vec<NewJob> {
    (0..count).map(|number| download(&format!("https://example.org/files/{number}.bin"))).collect()
}

/// A queued job that was asked for at the epoch.
pub(crate) fn new_job(transfer: Transfer) -> NewJob {
    NewJob { spec: JobSpec::new(transfer), wish: Wish::Run, phase: Phase::Queued, created: Timestamp::from_unix_ms(0) }
}

/// Appends jobs and returns their numbers.
pub(crate) async fn insert(store: &Store, jobs: Vec<NewJob>) -> Vec<JobId> {
    store.insert_jobs(jobs).await.unwrap().into_iter().map(|(id, _)| id).collect()
}

/// A file of `length` bytes whose first `written` are in place.
pub(crate) fn written(length: u64, written: u64) -> SegmentMap {
    let mut map = SegmentMap::whole(length);
    map.advance(0, written).unwrap();
    map
}

/// An upload that a server holds the beginning of.
pub(crate) fn upload_state() -> UploadState {
    let session = UploadSession {
        scheme: "tus+https".to_owned(),
        url: "https://tus.example/files/1".parse().unwrap(),
        state: serde_json::json!({ "length": 7 }),
        expires: None,
        compared: 0,
        sent_to: 7,
    };
    UploadState { session, length: 7, modified_ns: 5, inode: 3 }
}

/// The job's row.
pub(crate) async fn row(store: &Store, id: JobId) -> JobRow {
    store.jobs().await.unwrap().into_iter().find(|job| job.id == id).unwrap()
}

/// Numbers of all jobs in the order of the list.
pub(crate) async fn order(store: &Store) -> Vec<JobId> {
    store.jobs().await.unwrap().into_iter().map(|job| job.id).collect()
}
