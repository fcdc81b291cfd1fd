//! Rows of segments: what is saved is what is read, and what cannot be is refused.

use ropeway_model::{FailureCode, SegmentMap};
use ropeway_store::{JobChange, Store, StoreError};
use rusqlite::Connection;

use crate::sample;

#[tokio::test]
async fn segments_replace_each_other_and_go() {
    let store = Store::in_memory().await.unwrap();
    let id = sample::insert(&store, sample::downloads(1)).await[0];
    assert_eq!(store.segments(id).await.unwrap(), None);
    let mut split = sample::written(1000, 100);
    split.halve(0, 1).unwrap();
    for map in [Some(split), Some(sample::written(50, 50)), Some(SegmentMap::open_ended()), None] {
        store.save(vec![JobChange { segments: Some(map.clone()), ..JobChange::new(id) }]).await.unwrap();
        assert_eq!(store.segments(id).await.unwrap(), map);
        store.save(vec![JobChange { durable: Some(1), ..JobChange::new(id) }]).await.unwrap();
        assert_eq!(store.segments(id).await.unwrap(), map, "a change that does not name the segments keeps them");
    }
}

#[tokio::test]
async fn finished_neighbours_are_stored_as_one() {
    let store = Store::in_memory().await.unwrap();
    let id = sample::insert(&store, sample::downloads(1)).await[0];
    let mut map = SegmentMap::whole(1000);
    let middle = map.halve(0, 1).unwrap();
    map.advance(0, 1000).unwrap();
    map.advance(middle, 3).unwrap();
    store.save(vec![JobChange { segments: Some(Some(map.clone())), ..JobChange::new(id) }]).await.unwrap();
    let stored = store.segments(id).await.unwrap().unwrap();
    assert_eq!((stored.segments().len(), stored.written()), (1, map.written()));
}

#[tokio::test]
async fn rows_that_are_no_cover_of_a_file_are_refused() {
    for (rows, wrong) in [
        ("(1, 5, 10, 0)", "does not start at 0"),
        ("(1, 0, 5, 0), (1, 6, 10, 0)", "a hole"),
        ("(1, 0, 5, 0), (1, 4, 10, 0)", "an overlap"),
        ("(1, 0, NULL, 0), (1, 5, 10, 0)", "more after the end is open"),
        ("(1, 0, 5, 6)", "more written than it holds"),
        ("(1, 0, 0, 0)", "empty"),
        ("(1, 0, 5, -1)", "less than nothing written"),
        ("(1, -5, 5, 0)", "starts before the file"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let queue = folder.path().join("queue.db");
        let store = Store::open(&queue).await.unwrap();
        let id = sample::insert(&store, sample::downloads(1)).await[0];
        Connection::open(&queue).unwrap().execute(&format!("INSERT INTO segment VALUES {rows}"), []).unwrap();
        let error = store.segments(id).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{wrong}: {error}");
        assert_eq!(error.code(), FailureCode::StateFailed);
    }
}
