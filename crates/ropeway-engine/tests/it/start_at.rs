//! Jobs that are not to be started before a moment of the wall clock.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use ropeway_engine::{Change, Scope};
use ropeway_flow::clock::Clock as _;
use ropeway_model::PhaseKind;

use crate::still::{Net, Still, all};

const HOUR: Duration = Duration::from_secs(3600);

async fn held(still: &Still) -> ropeway_model::JobId {
    let mut spec = still.spec("https://files.example/a");
    spec.start_at = Some(still.clock.now().plus(HOUR));
    still.add(vec![spec]).await[0]
}

#[tokio::test(start_paused = true)]
async fn a_job_starts_at_its_moment_and_not_before() {
    let net = Net::new(|_| Ok((200, Vec::new())));
    let still = Still::new(Scope::Queue, &net).await;
    held(&still).await;
    tokio::time::sleep(HOUR.saturating_sub(Duration::from_secs(5))).await;
    assert!(net.asked("files.example").is_empty());
    assert_eq!(still.engine.counts(), (0, 1));
    let took = still.until(all(PhaseKind::Completed)).await;
    assert!(took <= Duration::from_secs(7), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_is_followed_and_a_restart_changes_nothing() {
    let net = Net::new(|_| Ok((200, Vec::new())));
    let still = Still::new(Scope::Queue, &net).await;
    held(&still).await;
    let still = still.restart().await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(net.asked("files.example").is_empty());
    still.clock.ahead.store(2 * 3_600_000, SeqCst);
    let took = still.until(all(PhaseKind::Completed)).await;
    assert!(took <= Duration::from_secs(60), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_moment_can_be_moved_and_taken_away() {
    let net = Net::new(|_| Ok((200, Vec::new())));
    let still = Still::new(Scope::Queue, &net).await;
    let id = held(&still).await;
    let later = Change { start_at: Some(Some(still.clock.now().plus(3 * HOUR))), ..Change::default() };
    assert_eq!(still.engine.change(&[id], later).await.unwrap(), 1);
    tokio::time::sleep(2 * HOUR).await;
    assert_eq!(still.kind(id), PhaseKind::Queued);
    still.engine.change(&[id], Change { start_at: Some(None), ..Change::default() }).await.unwrap();
    assert!(still.until(all(PhaseKind::Completed)).await < Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_moment_that_is_set_while_a_job_waits_for_its_next_try_holds_for_that_try() {
    let is_ill = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let seen = std::sync::Arc::clone(&is_ill);
    let net = Net::new(move |_| Ok((if seen.load(SeqCst) { 503 } else { 200 }, Vec::new())));
    let still = Still::new(Scope::Queue, &net).await;
    let id = still.add(vec![still.spec("https://files.example/a")]).await[0];
    still.until(all(PhaseKind::Waiting)).await;
    is_ill.store(false, SeqCst);
    let asked = net.asked("files.example").len();
    let later = Change { start_at: Some(Some(still.clock.now().plus(HOUR))), ..Change::default() };
    assert_eq!(still.engine.change(&[id], later).await.unwrap(), 1);
    tokio::time::sleep(HOUR.saturating_sub(Duration::from_secs(60))).await;
    assert_eq!(net.asked("files.example").len(), asked, "it was told when to start");
    assert!(still.until(all(PhaseKind::Completed)).await < Duration::from_secs(120));
}

#[tokio::test(start_paused = true)]
async fn a_long_list_is_paused_and_goes_on_as_a_whole() {
    const JOBS: u32 = 2_500;
    let net = Net::new(|_| Ok((200, Vec::new())));
    let still = Still::new(Scope::Queue, &net).await;
    let mut spec = still.spec("https://files.example/a");
    spec.start_at = Some(still.clock.now().plus(HOUR));
    let ids = still.add(vec![spec; JOBS as usize]).await;
    assert_eq!(still.engine.pause_all().await.unwrap(), JOBS);
    assert_eq!(still.engine.counts(), (0, 0));
    assert_eq!(still.engine.resume(&ids).await.unwrap(), JOBS);
    assert_eq!(still.engine.counts(), (0, JOBS as usize));
    assert!(net.asked("files.example").is_empty());
}
