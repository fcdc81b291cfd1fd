//! Places in the list.

use ropeway_model::JobId;
use ropeway_store::{Store, StoreError};

use crate::sample;

#[tokio::test]
async fn jobs_move_where_they_are_put() {
    for (moved, before, expected) in [
        (vec![4], Some(0), [4, 0, 1, 2, 3]),
        (vec![0], None, [1, 2, 3, 4, 0]),
        (vec![3, 1], Some(2), [0, 3, 1, 2, 4]),
        (vec![1, 1], Some(4), [0, 2, 3, 1, 4]),
        (vec![2, 3], Some(2), [0, 1, 2, 3, 4]),
        (vec![4, 3, 2, 1, 0], None, [4, 3, 2, 1, 0]),
        (vec![], Some(2), [0, 1, 2, 3, 4]),
    ] {
        let store = Store::in_memory().await.unwrap();
        let ids = sample::insert(&store, sample::downloads(5)).await;
        let moving: Vec<JobId> = moved.iter().map(|at: &usize| ids[*at]).collect();
        store.move_jobs(moving, before.map(|at: usize| ids[at])).await.unwrap();
        assert_eq!(sample::order(&store).await, expected.map(|at| ids[at]), "{moved:?} before {before:?}");
    }
}

#[tokio::test]
async fn a_move_writes_the_moved_jobs_alone_until_the_gap_is_used_up() {
    let store = Store::in_memory().await.unwrap();
    let ids = sample::insert(&store, sample::downloads(100)).await;
    let mut spaced_anew = 0;
    for round in 0..60 {
        let before = sample::order(&store).await[1];
        let moved = ids[50 + round % 2];
        let places = store.move_jobs(vec![moved], Some(before)).await.unwrap();
        assert!(places.iter().any(|(id, _)| *id == moved));
        spaced_anew += usize::from(places.len() > 1);
        let rows = store.jobs().await.unwrap();
        assert_eq!(rows[1].id, moved);
        assert!(rows.is_sorted_by(|a, b| a.position < b.position));
        for (id, position) in places {
            assert_eq!(rows.iter().find(|row| row.id == id).unwrap().position, position);
        }
    }
    assert!((1..10).contains(&spaced_anew), "{spaced_anew} of 60 moves wrote more than one job");
}

#[tokio::test]
async fn a_move_of_or_before_an_unknown_job_is_refused() {
    let store = Store::in_memory().await.unwrap();
    let ids = sample::insert(&store, sample::downloads(2)).await;
    let gone = JobId::from_row(9);
    for (moved, before) in [(vec![ids[1], gone], Some(ids[0])), (vec![ids[1]], Some(gone))] {
        let error = store.move_jobs(moved, before).await.unwrap_err();
        assert!(matches!(error, StoreError::NoSuchJob { id, .. } if id == gone), "{error}");
        assert_eq!(sample::order(&store).await, ids);
    }
}
