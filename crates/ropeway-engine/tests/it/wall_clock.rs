//! A wall clock that jumps while jobs run or wait: only what is shown follows it.

use std::{
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use ropeway_engine::{Scope, Seams};
use ropeway_flow::clock::Clock;
use ropeway_model::{ByteRate, Phase, PhaseKind};
use ropeway_testkit::{Peer, peer::ServedFile};

use crate::{
    rig::Rig,
    still::{Net, Still, WallClock, all},
};

const MIB: u64 = 1 << 20;
/// A year and a day in milliseconds.
const YEAR: i64 = 366 * 24 * 3_600_000;

/// A network whose first answer asks for a minute and a half of patience.
fn busy_once() -> Arc<Net> {
    let asked_once = std::sync::atomic::AtomicBool::new(false);
    Net::new(move |_| {
        let first = !asked_once.swap(true, SeqCst);
        Ok(if first { (429, vec![("Retry-After", "90".to_owned())]) } else { (200, Vec::new()) })
    })
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_as_long_as_it_was_to_be_when_the_clock_jumps_by_a_year() {
    for jump in [-YEAR, YEAR] {
        let net = busy_once();
        let still = Still::new(Scope::Queue, &net).await;
        still.add(vec![still.spec("https://files.example/a")]).await;
        still.until(all(PhaseKind::Waiting)).await;
        still.clock.ahead.store(jump, SeqCst);
        still.until(all(PhaseKind::Completed)).await;
        let asked = net.asked("files.example");
        let waited = asked[1] - asked[0];
        assert!((90..110).contains(&waited.as_secs()), "{waited:?} after a jump of {jump} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_set_back_by_a_year_between_two_starts_delays_nothing_by_more_than_the_longest_wait() {
    let net = busy_once();
    let still = Still::new(Scope::Queue, &net).await;
    still.add(vec![still.spec("https://files.example/a")]).await;
    still.until(all(PhaseKind::Waiting)).await;
    still.clock.ahead.store(-YEAR, SeqCst);
    let still = still.restart().await;
    let took = still.until(all(PhaseKind::Completed)).await;
    assert!(took <= Duration::from_secs(7 * 3600), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn speed_and_limit_of_a_running_download_do_not_notice_a_jump_of_the_clock() {
    let file = ServedFile::new(90, MIB);
    let peer = Peer::serve(file.clone()).await;
    let clock = Arc::new(WallClock::default());
    let seams = Seams { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..Seams::default() };
    let rig = Rig::with_seams(seams, |_| {}).await;
    let mut spec = rig.download(&peer.url("a.bin"));
    spec.rate_limit = ByteRate::new(MIB / 2);
    let start = std::time::Instant::now();
    let id = rig.add(spec).await;
    for (moved, jump) in [(MIB / 4, YEAR), (MIB / 2, -YEAR)] {
        rig.until(id, |job| job.progress.moved >= moved || job.phase.is_terminal()).await;
        clock.ahead.store(jump, SeqCst);
    }
    let job = rig
        .until(id, |job| {
            assert!(job.progress.rate <= 4 * MIB, "{:?}", job.progress);
            job.phase.is_terminal()
        })
        .await;
    assert_eq!(job.phase, Phase::Completed);
    file.pattern().assert_file(&rig.file("a.bin"), MIB);
    // What the limit lets through at once is a part of a second's worth.
    assert!(start.elapsed() >= Duration::from_secs(1), "the limit held: {:?}", start.elapsed());
}
