//! Block digests: what was changed on disk between two tries is found, and only that is fetched again.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use ropeway_engine::{DigestPolicy, Scope};
use ropeway_model::{ConnectionChoice, JobId, JobSpec, Phase};
use ropeway_testkit::{Peer, peer::ServedFile};

use crate::rig::Rig;

const MIB: u64 = 1 << 20;
const LENGTH: u64 = 12 * MIB + 5;
/// Bytes before the rest that come with it to be compared.
const LEAD: u64 = 4 << 10;

/// A server that is slow until it is told to be fast.
async fn slow_then_fast(file: &ServedFile) -> (Peer, Arc<AtomicBool>) {
    let fast = Arc::new(AtomicBool::new(false));
    let (is_fast, served) = (Arc::clone(&fast), file.clone());
    let peer = Peer::start(move |request| {
        let answer = served.answer(request);
        if is_fast.load(SeqCst) { answer } else { answer.drip(4 * MIB) }
    })
    .await;
    (peer, fast)
}

fn one_connection(rig: &Rig, peer: &Peer) -> JobSpec {
    JobSpec { connections: Some(ConnectionChoice::number(1).unwrap()), ..rig.download(&peer.url("a.bin")) }
}

/// A download by one connection that stopped in order in its middle.
async fn stopped(rig: &Rig, peer: &Peer) -> (JobId, u64) {
    let id = rig.add(one_connection(rig, peer)).await;
    rig.until(id, |job| job.progress.moved > 5 * MIB).await;
    rig.engine.pause(&[id]).await.unwrap();
    (id, rig.settled(id).await.progress.durable)
}

fn sent(peer: &Peer) -> u64 {
    peer.requests().iter().map(|request| request.bytes_sent).sum()
}

fn edit(part: &Path, offset: u64) {
    let file = File::options().read(true).write(true).open(part).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ 1], offset).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_part_file_that_was_edited_only_the_damaged_block_and_the_unproved_end_are_fetched_again() {
    let file = ServedFile::new(90, LENGTH);
    let (peer, fast) = slow_then_fast(&file).await;
    let rig = Rig::new().await;
    let (id, durable) = stopped(&rig, &peer).await;
    edit(&rig.file("a.bin.part"), MIB + 17);
    let before = sent(&peer);
    fast.store(true, SeqCst);
    rig.engine.resume(&[id]).await.unwrap();
    let job = rig.settled(id).await;
    assert_eq!(job.phase, Phase::Completed);
    assert_eq!(job.digest.unwrap().hex(), file.pattern().sha256(LENGTH));
    file.pattern().assert_file(&rig.file("a.bin"), LENGTH);
    // What the first try had asked for may still have been on its way.
    let again = (sent(&peer) - before).saturating_sub(MIB / 2);
    assert!(again <= LENGTH - durable + 2 * MIB, "{again} bytes were fetched, {durable} of {LENGTH} had been saved");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_part_file_that_was_cut_the_whole_blocks_before_the_cut_are_kept() {
    let file = ServedFile::new(91, LENGTH);
    let (peer, fast) = slow_then_fast(&file).await;
    let rig = Rig::new().await;
    let (id, _) = stopped(&rig, &peer).await;
    let part = File::options().write(true).open(rig.file("a.bin.part")).unwrap();
    part.set_len(3 * MIB + 100).unwrap();
    let before = peer.requests().len();
    fast.store(true, SeqCst);
    rig.engine.resume(&[id]).await.unwrap();
    assert_eq!(rig.settled(id).await.phase, Phase::Completed);
    file.pattern().assert_file(&rig.file("a.bin"), LENGTH);
    let starts: Vec<u64> = peer.requests()[before..].iter().map(|request| request.range().unwrap().0).collect();
    assert!(starts.iter().all(|start| *start >= 3 * MIB - LEAD), "three blocks were whole: {starts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untouched_part_file_is_continued_where_it_stood() {
    let file = ServedFile::new(92, LENGTH);
    let (peer, fast) = slow_then_fast(&file).await;
    for scope in [Scope::Queue, Scope::Once] {
        fast.store(false, SeqCst);
        let rig = Rig::with(|config| config.scope = scope).await;
        let (id, durable) = stopped(&rig, &peer).await;
        let before = peer.requests().len();
        fast.store(true, SeqCst);
        rig.engine.resume(&[id]).await.unwrap();
        let job = rig.settled(id).await;
        assert_eq!(job.digest.unwrap().hex(), file.pattern().sha256(LENGTH), "its digest went on where it stood");
        let ranges: Vec<_> = peer.requests()[before..].iter().map(|request| request.range().unwrap().0).collect();
        assert_eq!(ranges, [durable - LEAD], "{scope:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_file_without_recorded_blocks_that_was_edited_starts_again() {
    let file = ServedFile::new(93, LENGTH);
    let (peer, fast) = slow_then_fast(&file).await;
    let rig = Rig::with(|config| {
        config.scope = Scope::Once;
        config.digests = DigestPolicy::WhereGiven;
    })
    .await;
    let (id, _) = stopped(&rig, &peer).await;
    edit(&rig.file("a.bin.part"), MIB);
    fast.store(true, SeqCst);
    rig.engine.resume(&[id]).await.unwrap();
    assert_eq!(rig.settled(id).await.phase, Phase::Completed);
    file.pattern().assert_file(&rig.file("a.bin"), LENGTH);
}

#[test]
fn after_a_crash_saved_blocks_near_the_last_writes_are_read_back_and_a_damaged_one_is_fetched_again() {
    let file = ServedFile::new(94, LENGTH);
    for damage in [false, true] {
        let outside = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let (peer, fast) = outside.block_on(slow_then_fast(&file));
        let process = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let (rig, id, durable) = process.block_on(async {
            let rig = Rig::new().await;
            let id = rig.add(one_connection(&rig, &peer)).await;
            let durable = rig.until(id, |job| job.progress.durable > 4 * MIB).await.progress.durable;
            (rig, id, durable)
        });
        // The process dies: nothing is settled.
        process.shutdown_timeout(Duration::from_secs(5));
        fast.store(true, SeqCst);
        if damage {
            edit(&rig.file("a.bin.part"), 17);
        }
        outside.block_on(async {
            let before = sent(&peer);
            let rig = rig.reopen().await;
            let job = rig.settled(id).await;
            assert_eq!(job.phase, Phase::Completed);
            assert_eq!(job.digest.unwrap().hex(), file.pattern().sha256(LENGTH));
            file.pattern().assert_file(&rig.file("a.bin"), LENGTH);
            // What the last process had asked for may still have been on its way.
            let again = (sent(&peer) - before).saturating_sub(MIB / 2);
            let most = LENGTH - durable + if damage { 2 * MIB } else { 0 };
            assert!(again <= most, "{again} bytes were fetched, {durable} of {LENGTH} had been saved");
        });
    }
}
