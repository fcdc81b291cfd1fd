//! A volume that has no room for what the queue must remember: it is kept, tried again, and nothing is begun meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use ropeway_engine::{EngineError, Scope};
use ropeway_model::{FailureCode, PhaseKind, Priority, Wish};

use crate::still::{Net, Still, all};

/// A network whose servers are busy, for an hour as they say, until they are `free`.
fn busy_until(free: &Arc<AtomicBool>) -> Arc<Net> {
    let free = Arc::clone(free);
    Net::new(move |_| {
        let is_free = free.load(SeqCst);
        Ok(if is_free { (200, Vec::new()) } else { (503, vec![("Retry-After", "60".to_owned())]) })
    })
}

#[tokio::test(start_paused = true)]
async fn what_the_queue_had_no_room_for_is_recorded_once_there_is_room() {
    let still = Still::new(Scope::Queue, &busy_until(&Arc::default())).await;
    let specs = (0..3).map(|number| still.spec(&format!("https://{number}.example/a{number}"))).collect();
    let ids = still.add(specs).await;
    still.until(all(PhaseKind::Waiting)).await;
    still.room.is_full.store(true, SeqCst);
    let paused = still.engine.pause(&ids[..2]).await;
    let canceled = still.engine.cancel(&ids[2..]).await;
    for refused in [paused, canceled, still.engine.remove(&ids[2..], false).await.map(|removal| removal.count)] {
        let error = refused.unwrap_err();
        assert!(matches!(error, EngineError::NotDurable(_)), "{error:?}");
        assert_eq!(error.code(), FailureCode::StateFailed);
        assert!(error.to_string().contains("full; it is tried again"), "{error}");
    }
    let urgent = ropeway_engine::Change { priority: Some(Priority::High), ..Default::default() };
    still.engine.change(&ids[..1], urgent).await.unwrap_err();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    still.room.is_full.store(false, SeqCst);
    tokio::time::sleep(Duration::from_secs(60)).await;
    // Nothing is written on the way out any more.
    still.room.is_full.store(true, SeqCst);
    let still = still.restart().await;
    let found: Vec<_> =
        still.engine.jobs().iter().map(|job| (job.id, job.phase.kind(), job.wish, job.spec.priority)).collect();
    let paused = |id, priority| (id, PhaseKind::Paused, Wish::Pause, priority);
    assert_eq!(found, [paused(ids[0], Priority::High), paused(ids[1], Priority::Normal)]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_begun_that_could_not_be_recorded_and_all_goes_on_when_it_can() {
    let free = Arc::new(AtomicBool::new(false));
    let net = busy_until(&free);
    let still = Still::new(Scope::Queue, &net).await;
    let ids = still.add(vec![still.spec("https://a.example/a"), still.spec("https://b.example/b")]).await;
    still.until(all(PhaseKind::Waiting)).await;
    still.room.is_full.store(true, SeqCst);
    still.engine.pause(&ids[1..]).await.unwrap_err();
    free.store(true, SeqCst);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(net.asked("a.example").len(), 1, "its wait is over, and what it would fetch could not be recorded");
    still.room.is_full.store(false, SeqCst);
    still.until(|jobs| jobs[0].phase.kind() == PhaseKind::Completed).await;
    let still = still.restart().await;
    assert_eq!((still.kind(ids[0]), still.kind(ids[1])), (PhaseKind::Completed, PhaseKind::Paused));
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_progress_could_not_be_recorded_goes_on_from_what_was() {
    let still = Still::new(Scope::Queue, &busy_until(&Arc::new(AtomicBool::new(true)))).await;
    let room = Arc::clone(&still.room);
    let id = still.add(vec![still.spec("https://a.example/a")]).await[0];
    room.is_full.store(true, SeqCst);
    tokio::time::sleep(Duration::from_secs(600)).await;
    room.is_full.store(false, SeqCst);
    still.until(all(PhaseKind::Completed)).await;
    let still = still.restart().await;
    assert_eq!(still.kind(id), PhaseKind::Completed);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_room_is_written_on_the_way_out_at_the_latest() {
    let still = Still::new(Scope::Queue, &busy_until(&Arc::default())).await;
    let ids = still.add(vec![still.spec("https://a.example/a")]).await;
    still.until(all(PhaseKind::Waiting)).await;
    still.room.is_full.store(true, SeqCst);
    still.engine.pause(&ids).await.unwrap_err();
    still.room.is_full.store(false, SeqCst);
    let still = still.restart().await;
    assert_eq!(still.kind(ids[0]), PhaseKind::Paused);
}

#[tokio::test(start_paused = true)]
async fn that_nothing_had_to_go_on_is_no_promise_while_something_is_not_recorded() {
    let still = Still::new(Scope::Queue, &busy_until(&Arc::default())).await;
    let ids = still.add(vec![still.spec("https://a.example/a")]).await;
    still.until(all(PhaseKind::Waiting)).await;
    still.room.is_full.store(true, SeqCst);
    still.engine.resume(&ids).await.unwrap_err();
    still.engine.resume_all().await.unwrap_err();
    still.room.is_full.store(false, SeqCst);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(still.engine.resume_all().await.unwrap(), 0);
}
