//! One job edited by the window, the command line and the tray at once.

use std::sync::Arc;

use ropeway_engine::Change;
use ropeway_model::{ByteRate, ConnectionChoice, Priority, Wish};
use tokio::task::JoinSet;

use crate::rig::Rig;

/// Who edits, and how often each.
const HANDS: u64 = 6;
const EDITS: u64 = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn edits_from_many_hands_happen_one_after_the_other_and_the_row_is_what_is_shown() {
    let rig = Arc::new(Rig::new().await);
    let spec = rig.download("http://127.0.0.1:1/a.bin");
    let id = rig.engine.add(vec![spec], Wish::Pause).await.unwrap()[0];
    let mut hands = JoinSet::new();
    for hand in 1..=HANDS {
        let rig = Arc::clone(&rig);
        hands.spawn(async move {
            for edit in 1..=EDITS {
                let change = match (hand + edit) % 3 {
                    // Both of one edit hold, or neither does.
                    0 => Change {
                        rate_limit: Some(ByteRate::new(hand * 1000 + edit)),
                        connections: Some(ConnectionChoice::number(u8::try_from(hand).unwrap()).ok()),
                        ..Change::default()
                    },
                    1 => Change { priority: Some(Priority::High), ..Change::default() },
                    _ => Change { priority: Some(Priority::Low), ..Change::default() },
                };
                rig.engine.change(&[id], change).await.unwrap();
                let job = rig.engine.job(id).unwrap();
                let by = job.spec.rate_limit.map(|rate| rate.bytes_per_second() / 1000);
                let given = job.spec.connections.and_then(ConnectionChoice::given);
                assert_eq!(by, given.map(|count| u64::from(u8::from(count))), "half an edit is seen");
            }
        });
    }
    hands.join_all().await;
    let shown = rig.engine.job(id).unwrap();
    let rig = Arc::into_inner(rig).expect("all hands are gone").restart().await;
    let stored = rig.engine.job(id).unwrap();
    assert_eq!((stored.spec, stored.wish, stored.phase), (shown.spec, shown.wish, shown.phase));
}
