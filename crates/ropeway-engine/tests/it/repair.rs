//! Files at rest: what is damaged is named, and only that is fetched again.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use ropeway_engine::{Damage, EngineError};
use ropeway_model::{ByteRange, ConnectionChoice, JobSpec, Phase};
use ropeway_testkit::{
    Peer,
    peer::{Answer, ServedFile},
};

use crate::rig::Rig;

const MIB: u64 = 1 << 20;
const LENGTH: u64 = 5 * MIB + 5;

fn range(start: u64, end: u64) -> ByteRange {
    ByteRange::new(start, end).unwrap()
}

fn flip(path: &Path, offset: u64) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[!byte[0]], offset).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_finished_file_is_mended_by_fetching_its_damaged_blocks_alone() {
    let file = ServedFile::new(100, LENGTH);
    let peer = Peer::serve(file.clone()).await;
    let rig = Rig::new().await;
    let job = rig.run(rig.download(&peer.url("a.bin"))).await;
    let whole = rig.engine.verify(job.id).await.unwrap();
    assert_eq!((whole.compared, whole.block_size, whole.damaged.len()), (LENGTH, MIB, 0));
    let path = rig.file("a.bin");
    for offset in [MIB, 2 * MIB - 1, LENGTH - 1] {
        flip(&path, offset);
    }
    File::options().write(true).open(&path).unwrap().write_all_at(b"more", LENGTH).unwrap();
    let found = rig.engine.verify(job.id).await.unwrap();
    assert_eq!(found.damaged, [range(MIB, 2 * MIB), range(5 * MIB, LENGTH), range(LENGTH, LENGTH + 4)]);
    let before = peer.requests().len();
    assert_eq!(rig.engine.repair(job.id).await.unwrap().damaged, []);
    file.pattern().assert_file(&path, LENGTH);
    let asked: Vec<_> = peer.requests()[before..].iter().map(|request| request.range().unwrap()).collect();
    assert_eq!(asked, [(MIB, Some(2 * MIB)), (5 * MIB, Some(LENGTH))]);
    assert_eq!(rig.folder.names(), ["a.bin"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_not_touched_by_a_server_that_has_other_bytes_now() {
    let (file, other) = (ServedFile::new(101, LENGTH), ServedFile::new(102, LENGTH));
    let (moved, lies) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (has_moved, is_lying, served) = (Arc::clone(&moved), Arc::clone(&lies), file.clone());
    let peer = Peer::start(move |request| match (has_moved.load(SeqCst), is_lying.load(SeqCst)) {
        (true, _) => other.answer(request),
        // The same tag over other bytes.
        (_, true) => ServedFile::new(103, LENGTH).header("ETag", &format!("\"101-{LENGTH}\"")).answer(request),
        _ => served.answer(request),
    })
    .await;
    let rig = Rig::new().await;
    let job = rig.run(rig.download(&peer.url("a.bin"))).await;
    flip(&rig.file("a.bin"), 7);
    let damaged = std::fs::read(rig.file("a.bin")).unwrap();
    lies.store(true, SeqCst);
    assert_eq!(rig.engine.repair(job.id).await.unwrap().damaged, [range(0, MIB)]);
    moved.store(true, SeqCst);
    assert!(matches!(rig.engine.repair(job.id).await, Err(EngineError::Remote(_))));
    assert!(std::fs::read(rig.file("a.bin")).unwrap() == damaged);
    assert_eq!(rig.folder.names(), ["a.bin"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_come_from_the_users_own_address_and_the_mirrors_where_a_redirect_leads_no_more() {
    for (own_is_gone, name) in [(false, "a.bin"), (true, "b.bin")] {
        let file = ServedFile::new(107, LENGTH);
        let signed = file.clone();
        let is_over = Arc::new(AtomicBool::new(false));
        let (expired, gone) = (Arc::clone(&is_over), Arc::clone(&is_over));
        let store = Peer::start(move |request| {
            let is_over = expired.load(SeqCst) && request.path.ends_with("old");
            if is_over { Answer::status(403) } else { signed.answer(request) }
        })
        .await;
        let links = [store.url("f?old"), store.url("f?new")];
        let own = Peer::start(move |_| match gone.load(SeqCst) {
            true if own_is_gone => Answer::status(404),
            is_over => Answer::redirect(302, &links[usize::from(is_over)]),
        })
        .await;
        // Its tag is another one: the blocks' digests tell.
        let mirror = Peer::serve(file.clone().header("ETag", "\"mirror\"")).await;
        let rig = Rig::new().await;
        let mut spec = rig.download(&own.url(name));
        spec.connections = ConnectionChoice::number(1).ok();
        spec.mirrors = vec![mirror.url("m.bin").parse().unwrap()];
        let job = rig.run(spec).await;
        assert_eq!(job.phase, Phase::Completed);
        let path = job.final_path.unwrap();
        for offset in [7, 3 * MIB] {
            flip(&path, offset);
        }
        is_over.store(true, SeqCst);
        assert_eq!(rig.engine.repair(job.id).await.unwrap().damaged, [], "{name}");
        file.pattern().assert_file(&path, LENGTH);
        assert_eq!(own_is_gone, !mirror.requests().is_empty(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_blocks_of_an_unfinished_file_are_left_to_its_job() {
    let file = ServedFile::new(104, LENGTH);
    let fast = Arc::new(AtomicBool::new(false));
    let (is_fast, served) = (Arc::clone(&fast), file.clone());
    let peer = Peer::start(move |request| {
        let answer = served.answer(request);
        if is_fast.load(SeqCst) { answer } else { answer.drip(4 * MIB) }
    })
    .await;
    let rig = Rig::new().await;
    let spec = JobSpec { connections: Some(ConnectionChoice::number(1).unwrap()), ..rig.download(&peer.url("a.bin")) };
    let id = rig.add(spec).await;
    rig.until(id, |job| job.progress.moved > 3 * MIB).await;
    assert!(matches!(rig.engine.verify(id).await, Err(EngineError::WrongPhase { .. })));
    rig.engine.pause(&[id]).await.unwrap();
    rig.settled(id).await;
    let part = rig.file("a.bin.part");
    flip(&part, MIB);
    assert_eq!(rig.engine.verify(id).await.unwrap().damaged, [range(MIB, 2 * MIB)]);
    let durable = rig.engine.job(id).unwrap().progress.durable;
    let report = rig.engine.repair(id).await.unwrap();
    assert_eq!(report.damaged, []);
    assert_eq!(rig.engine.job(id).unwrap().progress.durable, durable - MIB);
    fast.store(true, SeqCst);
    rig.engine.resume(&[id]).await.unwrap();
    assert_eq!(rig.settled(id).await.phase, Phase::Completed);
    file.pattern().assert_file(&rig.file("a.bin"), LENGTH);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_and_a_job_without_blocks_are_said_so() {
    let peer = Peer::serve(ServedFile::new(105, LENGTH)).await;
    let rig = Rig::new().await;
    let job = rig.run(rig.download(&peer.url("a.bin"))).await;
    std::fs::remove_file(rig.file("a.bin")).unwrap();
    assert!(matches!(rig.engine.verify(job.id).await, Err(EngineError::Disk(_))));
    let peer = Peer::serve(ServedFile::new(106, 0)).await;
    let empty = rig.run(rig.download(&peer.url("empty"))).await;
    assert!(matches!(rig.engine.verify(empty.id).await, Err(EngineError::NothingRecorded(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_known_after_a_restart_until_it_is_mended() {
    let file = ServedFile::new(104, LENGTH);
    let peer = Peer::serve(file.clone()).await;
    let rig = Rig::new().await;
    let job = rig.run(rig.download(&peer.url("a.bin"))).await;
    assert_eq!(job.damage, None);
    for offset in [MIB, 5 * MIB] {
        flip(&rig.file("a.bin"), offset);
    }
    rig.engine.verify(job.id).await.unwrap();
    let found = Some(Damage { blocks: 2, bytes: MIB + 5 });
    assert_eq!(rig.engine.job(job.id).unwrap().damage, found);
    let rig = rig.restart().await;
    assert_eq!(rig.engine.job(job.id).unwrap().damage, found);
    assert_eq!(rig.engine.repair(job.id).await.unwrap().damaged, []);
    assert_eq!(rig.engine.job(job.id).unwrap().damage, None);
    let rig = rig.restart().await;
    assert_eq!(rig.engine.job(job.id).unwrap().damage, None);
    // Mended by hand, which only another comparison can tell.
    for _ in 0..2 {
        flip(&rig.file("a.bin"), MIB);
        rig.engine.verify(job.id).await.unwrap();
    }
    assert_eq!(rig.engine.job(job.id).unwrap().damage, None);
}
