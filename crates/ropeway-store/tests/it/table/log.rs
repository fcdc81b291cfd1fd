//! Lines of a job's log.

use ropeway_model::Timestamp;
use ropeway_store::{JobChange, LOG_LINE_BYTES, LOG_LINES, Store};

use crate::sample;

fn line(number: usize) -> (Timestamp, String) {
    (Timestamp::from_unix_ms(0), format!("line {number}"))
}

#[tokio::test]
async fn the_last_lines_are_kept_however_they_came() {
    for batch in [1, 7, LOG_LINES, LOG_LINES + 50] {
        let store = Store::in_memory().await.unwrap();
        let ids = sample::insert(&store, sample::downloads(2)).await;
        let lines: Vec<_> = (0..LOG_LINES + 50).map(line).collect();
        for lines in lines.chunks(batch) {
            store.save(vec![JobChange { log: lines.to_vec(), ..JobChange::new(ids[0]) }]).await.unwrap();
        }
        assert_eq!(store.log(ids[0]).await.unwrap(), lines[50..], "in batches of {batch}");
        assert_eq!(store.log(ids[1]).await.unwrap(), [], "another job's log");
    }
}

#[tokio::test]
async fn a_line_without_end_is_cut_between_characters() {
    let store = Store::in_memory().await.unwrap();
    let id = sample::insert(&store, sample::downloads(1)).await[0];
    let long = format!("a{}", "é".repeat(LOG_LINE_BYTES));
    store
        .save(vec![JobChange { log: vec![(Timestamp::from_unix_ms(1), long.clone())], ..JobChange::new(id) }])
        .await
        .unwrap();
    let kept = &store.log(id).await.unwrap()[0].1;
    assert_eq!(kept.len(), LOG_LINE_BYTES - 1);
    assert!(long.starts_with(kept.as_str()));
}
