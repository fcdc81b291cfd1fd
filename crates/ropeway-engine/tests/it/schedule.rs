//! Other limits at certain hours, and none of a server's.

use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering::SeqCst},
};

use ropeway_engine::{Pause, Seams, ServerPolicy};
use ropeway_flow::clock::{Clock, SystemClock};
use ropeway_model::{ByteRate, LocalTime, PhaseKind, Schedule, ScheduleEffect, ScheduleRule, ServerRule, Timestamp};
use ropeway_testkit::{Peer, peer::ServedFile};

use crate::rig::Rig;

const LENGTH: u64 = 1 << 20;

/// A wall clock that shows what the test says.
#[derive(Debug, Default)]
struct WallClock(AtomicU16);

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn local(&self) -> LocalTime {
        LocalTime { weekday: 3, minute: self.0.load(SeqCst) }
    }
}

fn pause_from_noon() -> Schedule {
    Schedule::new(vec![ScheduleRule::new(&[3], 720, 0, ScheduleEffect::Pause).unwrap()])
}

#[tokio::test]
async fn a_schedule_that_pauses_queues_running_jobs_again_and_lets_them_go_on_where_they_were() {
    let file = ServedFile::new(7, LENGTH);
    let pattern = file.pattern();
    let peer = Peer::start(move |request| file.answer(request).drip(1 << 20)).await;
    let clock = Arc::new(WallClock::default());
    let seams = Seams { clock: Arc::<WallClock>::clone(&clock), ..Seams::default() };
    let rig = Rig::with_seams(seams, |_| {}).await;
    let id = rig.add(rig.download(&peer.url("a.bin"))).await;
    rig.until(id, |job| job.progress.moved > 256 << 10).await;

    clock.0.store(720, SeqCst);
    rig.engine.set_schedule(pause_from_noon());
    let queued = rig.until(id, |job| job.phase.kind() == PhaseKind::Queued).await;
    assert!(queued.progress.durable > 0, "what came is kept");
    assert_eq!(rig.engine.pause_of_all(), Some(Pause::Schedule));
    let midnight = LocalTime { weekday: 4, minute: 0 };
    assert_eq!(rig.engine.limits_in_force().until, Some(midnight));

    clock.0.store(719, SeqCst);
    rig.engine.set_schedule(pause_from_noon());
    let job = rig.settled(id).await;
    assert_eq!(job.phase.kind(), PhaseKind::Completed);
    pattern.assert_file(&rig.file("a.bin"), LENGTH);
}

#[tokio::test]
async fn a_job_is_not_started_while_the_schedule_pauses() {
    let peer = Peer::serve(ServedFile::new(7, 1000)).await;
    let clock = Arc::new(WallClock(AtomicU16::new(800)));
    let seams = Seams { clock, ..Seams::default() };
    let rig = Rig::with_seams(seams, |config| config.schedule = pause_from_noon()).await;
    let id = rig.add(rig.download(&peer.url("a.bin"))).await;
    assert_eq!(rig.engine.job(id).unwrap().phase.kind(), PhaseKind::Queued);
    rig.engine.set_schedule(Schedule::default());
    assert_eq!(rig.settled(id).await.phase.kind(), PhaseKind::Completed);
}

#[tokio::test]
async fn a_servers_limit_holds_for_its_jobs_and_a_changed_one_at_once() {
    let peer = Peer::serve(ServedFile::new(7, LENGTH)).await;
    let rule = |limit: u64| ServerRule {
        host: "127.0.0.1".parse().unwrap(),
        connections: None,
        running_jobs: None,
        limit: ByteRate::new(limit),
    };
    let rig = Rig::with(|config| config.servers.rules = vec![rule(1)]).await;
    let id = rig.add(rig.download(&peer.url("a.bin"))).await;
    let running = rig.until(id, |job| job.phase.kind() == PhaseKind::Running).await;
    assert!(running.progress.moved < 64 << 10, "{:?}", running.progress);
    rig.engine.set_servers(ServerPolicy { rules: vec![rule(1 << 30)], ..ServerPolicy::default() });
    assert_eq!(rig.settled(id).await.phase.kind(), PhaseKind::Completed);
}
