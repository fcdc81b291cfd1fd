//! Snapshot and batches: together they always tell the whole truth.

use std::{collections::BTreeMap, time::Duration};

use ropeway_api::{
    News,
    command::Added,
    event::{Batch, Event},
    view::{JobView, PhaseView},
};
use ropeway_testkit::{Peer, peer::ServedFile};
use serde_json::{Value, json};

use crate::rig::Rig;

/// What a shell does with batches.
fn apply(rows: &mut BTreeMap<i64, JobView>, batch: Batch) {
    for event in batch.events {
        match event {
            Event::Jobs { jobs } => rows.extend(jobs.into_iter().map(|job| (job.id, job))),
            Event::Progress { jobs, .. } => {
                for progress in jobs {
                    if let Some(row) = rows.get_mut(&progress.id) {
                        row.progress = progress;
                    }
                }
            }
            Event::Removed { ids } => rows.retain(|id, _| !ids.contains(id)),
            Event::Settings { .. } | Event::Notices { .. } | Event::Targets { .. } | Event::Offer { .. } => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_alone_lead_to_the_state_the_snapshot_shows() {
    let file = ServedFile::new(1, 3 << 20);
    let peer = Peer::serve(file).await;
    let rig = Rig::new().await;
    let mut events = rig.api.subscribe();
    let lines: Vec<_> = (0..20).map(|number| peer.url(&format!("{number}.bin"))).collect();
    let added: Added = rig.call("job_add", json!({ "text": lines.join("\n") })).await.unwrap();
    rig.call::<Value>("job_remove", json!({ "ids": [added.jobs[3].id] })).await.unwrap();
    let mut rows = BTreeMap::new();
    let mut last = None;
    while rows.len() != 19 || !rows.values().all(|row: &JobView| row.phase == PhaseView::Completed) {
        let batch = tokio::time::timeout(Duration::from_secs(60), events.next()).await.unwrap().unwrap();
        assert!(last.is_none_or(|last| batch.seq == last + 1), "no gap for a subscriber that listens");
        last = Some(batch.seq);
        apply(&mut rows, batch);
    }
    let shown: BTreeMap<_, _> = rig.snapshot().await.jobs.into_iter().map(|job| (job.id, job)).collect();
    assert_eq!(shown.keys().collect::<Vec<_>>(), rows.keys().collect::<Vec<_>>());
    for (id, row) in rows {
        assert_eq!((row.path, row.digest, row.position), {
            let shown = &shown[&id];
            (shown.path.clone(), shown.digest.clone(), shown.position)
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_subscriber_blocks_nobody_and_sees_the_gap() {
    let rig = Rig::new().await;
    let mut slow = rig.api.subscribe();
    for number in 0..600 {
        rig.api.offer(format!("https://example.org/{number}"), Vec::new());
    }
    let first = slow.next().await.unwrap().seq;
    assert!(first > 100, "the oldest batches were dropped, the first one left is {first}");
    assert_eq!(slow.next().await.unwrap().seq, first + 1);
    let snapshot = rig.snapshot().await;
    assert!(snapshot.seq > first + 1, "a snapshot contains what the subscriber missed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_ends_with_the_engine() {
    let rig = Rig::new().await;
    let mut events = rig.api.subscribe();
    rig.api.shutdown().await;
    while let Some(batch) = tokio::time::timeout(Duration::from_secs(10), events.next()).await.unwrap() {
        assert!(batch.seq > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_thousands_of_jobs_is_told_as_a_gap_and_shown_whole() {
    let rig = Rig::new().await;
    let mut events = rig.api.subscribe();
    let before = rig.snapshot().await.seq;
    let text: String = (0..2001).map(|number| format!("http://127.0.0.1:1/set/{number}.bin\n")).collect();
    let added: Added = rig.call("job_add", json!({ "text": text, "options": { "paused": true } })).await.unwrap();
    let batch = tokio::time::timeout(Duration::from_secs(60), events.next()).await.unwrap().unwrap();
    assert_eq!(batch.seq, before + 2, "one number is left out");
    assert!(!batch.events.iter().any(|event| matches!(event, Event::Jobs { .. })));
    let snapshot = rig.snapshot().await;
    assert!(snapshot.seq >= batch.seq);
    assert_eq!(snapshot.jobs, added.jobs);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_whose_first_batch_is_behind_a_gap_is_told_of_the_gap() {
    let rig = Rig::new().await;
    let mut events = rig.api.subscribe();
    let text: String = (0..2001).map(|number| format!("http://127.0.0.1:1/set/{number}.bin\n")).collect();
    rig.call::<Added>("job_add", json!({ "text": text, "options": { "paused": true } })).await.unwrap();
    let news = tokio::time::timeout(Duration::from_secs(60), events.news()).await.unwrap().unwrap();
    assert!(matches!(news, News::Gap), "the changes of 2001 jobs were left out: {news:?}");
    rig.api.offer("https://example.org/".to_owned(), Vec::new());
    let news = tokio::time::timeout(Duration::from_secs(60), events.news()).await.unwrap().unwrap();
    assert!(matches!(news, News::Batch(_)), "what comes behind it follows: {news:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_while_nobody_listened_is_a_gap_for_whoever_has_an_older_snapshot() {
    let rig = Rig::new().await;
    let before = rig.snapshot().await.seq;
    let text = "http://127.0.0.1:1/a.bin";
    rig.call::<Added>("job_add", json!({ "text": text, "options": { "paused": true } })).await.unwrap();
    // The publisher takes the change up in its own time.
    while rig.snapshot().await.seq == before {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut events = rig.api.subscribe();
    rig.api.offer("https://example.org/".to_owned(), Vec::new());
    let batch = tokio::time::timeout(Duration::from_secs(60), events.next()).await.unwrap().unwrap();
    assert!(batch.seq > before + 1, "{} behind {before}", batch.seq);
}
