//! What stands in a job's way and is not ours to mend: the job waits for its end, spends no try on it, and goes on.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use ropeway_drivers::DriverError;
use ropeway_engine::{Scope, Seams, network::Routes};
use ropeway_flow::{
    clock::Clock,
    disk::{DiskError, PartFile},
};
use ropeway_model::{Blocker, FailureCode, JobId, JobSpec, OnConflict, Phase, PhaseKind, Transfer};
use ropeway_testkit::{Peer, peer::ServedFile};

use crate::{
    disturbed::{Disturbance, Disturbed, DisturbedPart, PartDisturbance},
    rig::{Rig, failure},
    still::{Net, Still, Uplink, WallClock, all},
};

const MIB: u64 = 1 << 20;

fn is_blocked(phase: &Phase, blocker: Blocker) -> bool {
    matches!(phase, Phase::Blocked { by, .. } if *by == blocker)
}

/// A network that nothing is reached over until it is `up`.
fn unplugged(up: &Arc<AtomicBool>) -> Arc<Net> {
    let up = Arc::clone(up);
    Net::new(move |host| {
        if up.load(SeqCst) {
            Ok((200, Vec::new()))
        } else {
            Err(DriverError::NameNotResolved { host: host.to_owned() })
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unfinished_file_that_somebody_takes_away_is_fetched_again() {
    let file = ServedFile::new(1, 4 * MIB);
    let peer = Peer::serve(file.clone()).await;
    let rig = Rig::new().await;
    let into = rig.file("in");
    // Its folder is there all the time, and in the second round it is another one.
    for is_of_folder in [false, true] {
        let from = peer.url("a.bin").parse().unwrap();
        let mut spec = JobSpec::new(Transfer::Download { from, into: into.clone(), name: None });
        spec.rate_limit = ropeway_model::ByteRate::new(2 * MIB);
        let id = rig.add(spec).await;
        rig.until(id, |job| job.progress.moved > MIB).await;
        if is_of_folder {
            rustix::fs::rename(&into, rig.file("moved")).unwrap();
            std::fs::create_dir(&into).unwrap();
        } else {
            std::fs::remove_file(into.join("a.bin.part")).unwrap();
        }
        let job = rig.settled(id).await;
        assert_eq!(job.phase, Phase::Completed);
        file.pattern().assert_file(&into.join("a.bin"), 4 * MIB);
        std::fs::remove_file(into.join("a.bin")).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_wait_for_the_network_without_spending_tries_and_go_on_within_seconds() {
    let up = Arc::new(AtomicBool::new(false));
    let net = unplugged(&up);
    let still = Still::new(Scope::Queue, &net).await;
    still.uplink.0.store(false, SeqCst);
    still.add((0..6).map(|number| still.spec(&format!("https://files.example/{number}"))).collect()).await;
    still.until(|jobs| jobs.iter().all(|job| is_blocked(&job.phase, Blocker::Network))).await;
    let still = still.restart().await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(still.engine.jobs().iter().all(|job| is_blocked(&job.phase, Blocker::Network)), "after a restart too");
    assert!(net.asked("files.example").len() <= 6 * 3, "{}", net.asked("files.example").len());
    up.store(true, SeqCst);
    still.uplink.0.store(true, SeqCst);
    let took = still.until(all(PhaseKind::Completed)).await;
    assert!(took <= Duration::from_secs(5), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_down_is_no_missing_network() {
    let net = unplugged(&Arc::default());
    let still = Still::new(Scope::Queue, &net).await;
    let ids = still.add(vec![still.spec("https://files.example/a")]).await;
    still.until(|jobs| jobs[0].phase.kind() == PhaseKind::Waiting).await;
    still.uplink.0.store(false, SeqCst);
    let local = still.add(vec![still.spec("http://localhost:1/a"), still.spec("http://127.0.0.1:1/b")]).await;
    still.until(|jobs| jobs.iter().all(|job| job.phase.kind() != PhaseKind::Queued && !job.phase.is_active())).await;
    assert!(
        is_blocked(&still.engine.job(ids[0]).unwrap().phase, Blocker::Network)
            || still.kind(ids[0]) == PhaseKind::Waiting
    );
    assert!(local.iter().all(|id| still.kind(*id) == PhaseKind::Waiting), "this machine needs no network");
}

/// The real disk with as much room as a test says; writes beyond it fail as on a full volume.
#[derive(Clone, Debug)]
struct Volume {
    free: Arc<AtomicU64>,
}

impl PartDisturbance for Volume {
    fn write(&self, part: &dyn PartFile, pieces: &[&[u8]], offset: u64) -> Result<(), DiskError> {
        let count: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
        let taken = self.free.fetch_update(SeqCst, SeqCst, |free| free.checked_sub(count));
        if taken.is_err() {
            return Err(DiskError::at(Path::new("/full"), std::io::ErrorKind::StorageFull.into()));
        }
        part.write_all_at(pieces, offset)
    }
}

impl Disturbance for Volume {
    fn part(&self, part: Arc<dyn PartFile>) -> Arc<dyn PartFile> {
        Arc::new(DisturbedPart(part, self.clone()))
    }

    fn free_space(&self, _folder: &Path) -> Result<u64, DiskError> {
        Ok(self.free.load(SeqCst))
    }
}

fn volume(free: &Arc<AtomicU64>) -> Seams {
    Seams { disk: Arc::new(Disturbed(Volume { free: Arc::clone(free) })), ..Seams::default() }
}

async fn rig_with_room(free: &Arc<AtomicU64>, scope: Scope) -> Rig {
    Rig::with_seams(volume(free), |config| config.scope = scope).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_volume_parks_the_job_with_its_bytes_and_room_lets_it_go_on() {
    let file = ServedFile::new(80, 6 * MIB);
    let served = file.clone();
    // Slow enough that most is missing when the volume is full.
    let peer = Peer::start(move |request| served.answer(request).drip(MIB)).await;
    let free = Arc::new(AtomicU64::new(20 * MIB));
    let rig = rig_with_room(&free, Scope::Queue).await;
    let id = rig.add(rig.download(&peer.url("a.bin"))).await;
    // Somebody else fills the volume while the job runs.
    rig.until(id, |job| job.progress.moved > 0).await;
    free.store(MIB, SeqCst);
    let job = rig.until(id, |job| is_blocked(&job.phase, Blocker::Room)).await;
    assert!(matches!(&job.phase, Phase::Blocked { failure, .. } if failure.code == FailureCode::DiskFull));
    assert!(job.progress.durable > 0);
    let requests = peer.requests().len();
    free.store(2 * MIB, SeqCst);
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(peer.requests().len(), requests, "no try before there is room for what is missing");
    free.store(20 * MIB, SeqCst);
    let job = rig.settled(id).await;
    assert_eq!(job.phase, Phase::Completed);
    file.pattern().assert_file(&rig.file("a.bin"), file.length());
    assert!(peer.requests()[requests..].iter().all(|request| request.range().is_some()), "nothing durable comes again");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_two_halves_that_do_not_fit_together_follow_each_other() {
    let file = ServedFile::new(84, 6 * MIB);
    let (served, slow) = (file.clone(), Arc::new(AtomicBool::new(true)));
    let is_slow = Arc::clone(&slow);
    let peer = Peer::start(move |request| {
        let answer = served.answer(request);
        if is_slow.load(SeqCst) { answer.drip(MIB) } else { answer }
    })
    .await;
    let free = Arc::new(AtomicU64::new(20 * MIB));
    let rig = rig_with_room(&free, Scope::Queue).await;
    let ids = [rig.add(rig.download(&peer.url("a.bin"))).await, rig.add(rig.download(&peer.url("b.bin"))).await];
    for id in ids {
        rig.until(id, |job| job.progress.moved > 0).await;
    }
    rig.engine.pause_all().await.unwrap();
    for id in ids {
        rig.settled(id).await;
    }
    // Somebody else has taken what both were promised; one of them still fits.
    free.store(7 * MIB, SeqCst);
    slow.store(false, SeqCst);
    let rig = rig.restart_with(volume(&free)).await;
    rig.engine.resume_all().await.unwrap();
    let (first, second) = loop {
        let done: Vec<_> = ids.iter().map(|id| rig.engine.job(*id).unwrap().phase == Phase::Completed).collect();
        match done[..] {
            [true, false] => break (0, 1),
            [false, true] => break (1, 0),
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    let job = rig.until(ids[second], |job| is_blocked(&job.phase, Blocker::Room)).await;
    assert!(job.progress.durable < file.length() && free.load(SeqCst) > 0, "the volume was never full");
    free.store(20 * MIB, SeqCst);
    assert_eq!(rig.settled(ids[second]).await.phase, Phase::Completed);
    for number in [first, second] {
        file.pattern().assert_file(&rig.file(["a.bin", "b.bin"][number]), file.length());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_does_not_fit_is_told_before_its_first_byte_and_a_terminal_does_not_wait() {
    let peer = Peer::serve(ServedFile::new(81, 6 * MIB)).await;
    let free = Arc::new(AtomicU64::new(MIB));
    let rig = rig_with_room(&free, Scope::Queue).await;
    let id = rig.add(rig.download(&peer.url("a.bin"))).await;
    rig.until(id, |job| is_blocked(&job.phase, Blocker::Room)).await;
    assert!(rig.folder.names().is_empty());
    free.store(20 * MIB, SeqCst);
    assert_eq!(rig.settled(id).await.phase, Phase::Completed);
    let once = rig_with_room(&Arc::new(AtomicU64::new(MIB)), Scope::Once).await;
    assert_eq!(failure(&once.run(once.download(&peer.url("b.bin"))).await).code, FailureCode::DiskFull);
}

async fn asking(rig: &Rig, url: &str) -> JobId {
    std::fs::File::create_new(rig.file("a.bin")).unwrap();
    let mut spec = rig.download(url);
    spec.on_conflict = OnConflict::Ask;
    let id = rig.add(spec).await;
    rig.until(id, |job| is_blocked(&job.phase, Blocker::NameTaken)).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_name_is_asked_about_at_the_end_and_no_byte_comes_twice() {
    let file = ServedFile::new(82, 3 * MIB);
    for (choice, names) in [
        (OnConflict::Rename, vec!["a (1).bin", "a.bin"]),
        (OnConflict::Overwrite, vec!["a.bin"]),
        (OnConflict::Fail, vec!["a.bin", "a.bin.part"]),
    ] {
        let peer = Peer::serve(file.clone()).await;
        let rig = Rig::new().await;
        let id = asking(&rig, &peer.url("a.bin")).await;
        assert_eq!(rig.folder.names(), ["a.bin", "a.bin.part"]);
        let rig = rig.restart().await;
        assert!(is_blocked(&rig.engine.job(id).unwrap().phase, Blocker::NameTaken), "it still asks");
        let requests = peer.requests().len();
        rig.engine.answer(id, choice).await.unwrap();
        let job = rig.settled(id).await;
        assert_eq!(peer.requests().len(), requests);
        assert_eq!(rig.folder.names(), names, "{choice:?}");
        if choice == OnConflict::Fail {
            assert_eq!(failure(&job).code, FailureCode::FileExists);
        } else {
            file.pattern().assert_file(job.final_path.as_ref().unwrap(), file.length());
        }
        assert!(rig.engine.answer(id, choice).await.is_err(), "nothing is asked any more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_at_a_terminal_nor_where_the_name_is_free() {
    let peer = Peer::serve(ServedFile::new(83, 1000)).await;
    let rig = Rig::with(|config| config.scope = Scope::Once).await;
    let mut spec = rig.download(&peer.url("a.bin"));
    spec.on_conflict = OnConflict::Ask;
    assert_eq!(rig.run(spec.clone()).await.phase, Phase::Completed);
    assert_eq!(failure(&rig.run(spec).await).code, FailureCode::FileExists);
}

/// A server whose first two connections fall silent, so that a job waits for bytes that do not come.
async fn falling_silent() -> Peer {
    let served = ServedFile::new(84, 3 * MIB);
    Peer::start(move |request| match request.number {
        1..=2 => served.answer(request).stall_after(200_000),
        _ => served.answer(request),
    })
    .await
}

/// Lets a job come to where its connections are silent, has `something` happen, and expects that they are not waited for.
async fn dead_connections_are_not_waited_for(seams: Seams, something: impl AsyncFnOnce()) {
    let peer = falling_silent().await;
    let rig =
        Rig::with_seams(seams, |config| config.limits.connections = ropeway_model::Connections::new(2).ok()).await;
    let id = rig.add(rig.download(&peer.url("a.bin"))).await;
    rig.until(id, |job| job.progress.moved >= 200_000).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let start = std::time::Instant::now();
    something().await;
    let job = rig.settled(id).await;
    assert_eq!(job.phase, Phase::Completed);
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    let log = rig.engine.detail(id).await.unwrap().log;
    assert!(!log.iter().any(|(_, line)| line.contains("NETWORK_")), "no try was lost: {log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_sleep_of_the_machine_dead_connections_are_not_waited_for() {
    let clock = Arc::new(WallClock::default());
    let seams = Seams { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..Seams::default() };
    dead_connections_are_not_waited_for(seams, async || clock.slept.store(8 * 3600, SeqCst)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn once_the_network_is_back_connections_of_before_are_not_waited_for() {
    let uplink = Arc::new(Uplink(AtomicBool::new(true)));
    let seams = Seams { routes: Arc::clone(&uplink) as Arc<dyn Routes>, ..Seams::default() };
    let short_loss = async || {
        uplink.0.store(false, SeqCst);
        tokio::time::sleep(Duration::from_secs(5)).await;
        uplink.0.store(true, SeqCst);
    };
    dead_connections_are_not_waited_for(seams, short_loss).await;
}
