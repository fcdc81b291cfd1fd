//! Pause, resume, cancel, remove, limit, restart: the user's hand at any moment.

use std::{
    os::unix::fs::FileExt as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use ropeway_engine::{Change, JobSnapshot, Scope};
use ropeway_model::{ByteRate, Phase, PhaseKind, Validation, Wish};
use ropeway_store::Store;
use ropeway_testkit::{
    Peer,
    peer::{Answer, ServedFile},
};

use crate::rig::Rig;

const MIB: u64 = 1 << 20;

async fn slow_peer(file: &ServedFile) -> Peer {
    let served = file.clone();
    Peer::start(move |request| served.answer(request).drip(2 * MIB)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_job_keeps_its_bytes_and_resumes_with_ranges() {
    let file = ServedFile::new(20, 8 * MIB);
    let peer = slow_peer(&file).await;
    let rig = Rig::new().await;
    let id = rig.add(rig.download(&peer.url("a.bin"))).await;
    rig.until(id, |job| job.progress.moved > MIB).await;
    assert_eq!(rig.engine.pause(&[id]).await.unwrap(), 1);
    let paused = rig.settled(id).await;
    assert_eq!(paused.phase, Phase::Paused);
    assert!(paused.progress.durable > MIB, "{:?}", paused.progress);
    let before = peer.requests().len();
    assert_eq!(rig.engine.resume(&[id]).await.unwrap(), 1);
    let job = rig.settled(id).await;
    assert_eq!((job.phase, job.validation), (Phase::Completed, Some(Validation::StrongTag)));
    file.pattern().assert_file(&rig.file("a.bin"), file.length());
    assert!(peer.requests()[before..].iter().all(|request| request.range().is_some()), "nothing is fetched from 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_as_here_never_grows_less_while_the_server_is_down() {
    let file = ServedFile::new(26, 16 * MIB);
    let (served, is_down) = (file.clone(), Arc::new(AtomicBool::new(false)));
    let down = Arc::clone(&is_down);
    let peer = Peer::start(
        move |request| {
            if down.load(Relaxed) { Answer::status(503) } else { served.answer(request).drip(2 * MIB) }
        },
    )
    .await;
    let rig = Rig::new().await;
    let id = rig.add(rig.download(&peer.url("a.bin"))).await;
    rig.until(id, |job| job.progress.connections == 4 && job.progress.moved > 4 * MIB).await;
    rig.engine.pause(&[id]).await.unwrap();
    let paused = rig.settled(id).await.progress;
    is_down.store(true, Relaxed);
    let is_kept = |job: &JobSnapshot| {
        let now = job.progress;
        assert!(now.moved >= paused.moved && now.durable >= paused.durable, "{paused:?} became {now:?}");
    };
    for _ in 0..3 {
        let asked = peer.requests().len();
        rig.engine.resume(&[id]).await.unwrap();
        let rests = |job: &JobSnapshot| matches!(job.phase, Phase::Waiting { .. }) && peer.requests().len() > asked;
        rig.until(id, |job| {
            is_kept(job);
            rests(job)
        })
        .await;
    }
    is_down.store(false, Relaxed);
    rig.engine.resume(&[id]).await.unwrap();
    let job = rig
        .until(id, |job| {
            is_kept(job);
            job.phase == Phase::Completed
        })
        .await;
    assert_eq!(job.progress.moved, file.length(), "no byte counts twice");
    file.pattern().assert_file(&rig.file("a.bin"), file.length());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_engine_goes_on_where_the_checkpoint_was() {
    let file = ServedFile::new(21, 8 * MIB);
    let peer = slow_peer(&file).await;
    let rig = Rig::new().await;
    let id = rig.add(rig.download(&peer.url("a.bin"))).await;
    rig.until(id, |job| job.progress.moved > MIB).await;
    let rig = rig.restart().await;
    let sent: u64 = peer.requests().iter().map(|request| request.bytes_sent).sum();
    assert!(sent < 7 * MIB, "{sent}");
    let job = rig.settled(id).await;
    assert_eq!(job.phase, Phase::Completed);
    file.pattern().assert_file(&rig.file("a.bin"), file.length());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canceled_job_leaves_nothing_behind() {
    let file = ServedFile::new(22, 8 * MIB);
    let peer = slow_peer(&file).await;
    let rig = Rig::new().await;
    let id = rig.add(rig.download(&peer.url("a.bin"))).await;
    rig.until(id, |job| job.progress.moved > MIB).await;
    rig.engine.cancel(&[id]).await.unwrap();
    assert_eq!(rig.settled(id).await.phase, Phase::Canceled);
    assert!(rig.folder.names().is_empty(), "{:?}", rig.folder.names());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_job_is_gone_after_a_restart_too() {
    let file = ServedFile::new(23, 8 * MIB);
    let peer = slow_peer(&file).await;
    let rig = Rig::new().await;
    let id = rig.add(rig.download(&peer.url("a.bin"))).await;
    rig.until(id, |job| job.progress.moved > MIB).await;
    assert_eq!(rig.engine.remove(&[id], false).await.unwrap().count, 1);
    assert!(rig.engine.job(id).is_err());
    assert!(rig.folder.names().is_empty(), "{:?}", rig.folder.names());
    let rig = rig.restart().await;
    assert!(rig.engine.jobs().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_as_many_jobs_run_as_may_and_the_urgent_ones_first() {
    let file = ServedFile::new(24, MIB);
    let peer = slow_peer(&file).await;
    let rig = Rig::with(|config| config.limits.running_jobs = 1).await;
    let mut specs = vec![rig.download(&peer.url("a")), rig.download(&peer.url("b")), rig.download(&peer.url("c"))];
    specs[2].priority = ropeway_model::Priority::High;
    let jobs = rig.engine.add(specs, Wish::Run).await.unwrap();
    for job in &jobs {
        rig.settled(*job).await;
        let moves = |job: &JobSnapshot| matches!(job.phase, Phase::Probing | Phase::Running);
        assert!(rig.engine.jobs().iter().filter(|job| moves(job)).count() <= 1);
    }
    // The server may hear of a job's last request, which nobody waited for, after the next job's first.
    let mut order: Vec<String> = Vec::new();
    for request in peer.requests() {
        if !order.contains(&request.path) {
            order.push(request.path);
        }
    }
    assert_eq!(order, ["/c", "/a", "/b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_limit_is_kept_and_followed_by_the_running_job() {
    let file = ServedFile::new(25, 8 * MIB);
    let peer = Peer::serve(file.clone()).await;
    let rig = Rig::new().await;
    let mut spec = rig.download(&peer.url("a.bin"));
    spec.rate_limit = ByteRate::new(64 << 10);
    let id = rig.add(spec).await;
    rig.until(id, |job| job.progress.moved > 0).await;
    let change = Change { rate_limit: Some(ByteRate::new(100 * MIB)), ..Change::default() };
    assert_eq!(rig.engine.change(&[id], change).await.unwrap(), 1);
    let job = rig.settled(id).await;
    assert_eq!((job.phase, job.spec.rate_limit), (Phase::Completed, ByteRate::new(100 * MIB)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_in_a_later_process_resumes_and_leaves_no_row() {
    let file = ServedFile::new(26, 8 * MIB);
    let peer = slow_peer(&file).await;
    let rig = Rig::with(|config| config.scope = Scope::Once).await;
    let id = rig.add(rig.download(&peer.url("a.bin"))).await;
    rig.until(id, |job| job.progress.moved > 2 * MIB).await;
    let rig = rig.restart().await;
    assert!(rig.engine.jobs().is_empty(), "nothing runs before it is asked for");
    let before = peer.requests().len();
    let job = rig.run(rig.download(&peer.url("a.bin"))).await;
    assert_eq!((job.id, job.phase), (id, Phase::Completed));
    file.pattern().assert_file(&rig.file("a.bin"), file.length());
    assert!(peer.requests()[before..].iter().all(|request| request.range().is_some()));
    let rig = rig.restart().await;
    let again = rig.run(rig.download(&peer.url("a.bin"))).await;
    assert_eq!(again.final_path, Some(rig.file("a (1).bin")), "a finished job is not taken up again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_for_good_is_recorded_by_a_single_command_too() {
    let peer = Peer::start(|_| Answer::status(404)).await;
    let rig = Rig::with(|config| config.scope = Scope::Once).await;
    let job = rig.run(rig.download(&peer.url("a.bin"))).await;
    let rows = Store::open(&rig.database()).await.unwrap().jobs().await.unwrap();
    let row = rows.iter().find(|row| row.id == job.id).unwrap();
    assert!(matches!(row.phase, Phase::Failed { .. }) && row.phase == job.phase, "{:?}", row.phase);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_changes_of_mind_end_in_one_terminal_state() {
    let file = ServedFile::new(27, 2 * MIB);
    let peer = slow_peer(&file).await;
    let rig = Rig::new().await;
    let id = rig.add(rig.download(&peer.url("a.bin"))).await;
    for round in 0..1000_u32 {
        match round % 3 {
            0 => rig.engine.pause(&[id]).await.unwrap(),
            1 => rig.engine.resume(&[id]).await.unwrap(),
            _ => rig.engine.pause_all().await.unwrap() + rig.engine.resume_all().await.unwrap(),
        };
        if round % 100 == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    rig.engine.resume(&[id]).await.unwrap();
    let job = rig.until(id, |job| job.phase.kind() == PhaseKind::Completed).await;
    assert_eq!(job.progress.connections, 0);
    file.pattern().assert_file(&rig.file("a.bin"), file.length());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_deletes_the_file_that_was_saved_and_no_other() {
    let peer = Peer::serve(ServedFile::new(24, 100_000)).await;
    let rig = Rig::new().await;
    let names = ["same.bin", "replaced.bin", "edited.bin", "gone.bin"];
    let mut ids = Vec::new();
    for name in names {
        let id = rig.add(rig.download(&peer.url(name))).await;
        assert_eq!(rig.settled(id).await.phase, Phase::Completed);
        ids.push(id);
    }
    let path = |name: &str| rig.folder.path().join(name);
    let modified = |name: &str| std::fs::metadata(path(name)).unwrap().modified().unwrap();
    // Another file of the same length and time.
    let was = modified("replaced.bin");
    rustix::fs::rename(path("replaced.bin"), path("elsewhere.bin")).unwrap();
    std::fs::copy(path("elsewhere.bin"), path("replaced.bin")).unwrap();
    std::fs::File::options().write(true).open(path("replaced.bin")).unwrap().set_modified(was).unwrap();
    // The same file, with other bytes.
    std::fs::File::options().write(true).open(path("edited.bin")).unwrap().write_all_at(b"mine", 7).unwrap();
    std::fs::remove_file(path("gone.bin")).unwrap();
    let rig = rig.restart().await;
    let removal = rig.engine.remove(&ids, true).await.unwrap();
    let path = |name: &str| rig.folder.path().join(name);
    assert_eq!((removal.count, removal.kept), (4, vec![path("replaced.bin"), path("edited.bin")]));
    assert_eq!(rig.folder.names(), ["edited.bin", "elsewhere.bin", "replaced.bin"]);
    assert!(rig.engine.jobs().is_empty());
}
