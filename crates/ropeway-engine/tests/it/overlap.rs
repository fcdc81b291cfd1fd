//! Resumes at servers that give nothing to recognise a file by: the bytes themselves are compared.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use ropeway_model::{JobId, Phase, Validation};
use ropeway_testkit::{
    Peer,
    peer::{Answer, Cut, Request, ServedFile},
};

use crate::rig::Rig;

const MIB: u64 = 1 << 20;
const LENGTH: u64 = 6 * MIB;

/// Fetches a part of the file, stops, and goes on after `change` was set.
async fn resumed(rig: &Rig, url: &str, change: &AtomicBool) -> JobId {
    let id = rig.add(rig.download(url)).await;
    rig.until(id, |job| job.progress.moved > 2 * MIB).await;
    rig.engine.pause(&[id]).await.unwrap();
    rig.settled(id).await;
    change.store(true, SeqCst);
    rig.engine.resume(&[id]).await.unwrap();
    id
}

/// A server that serves one file, then another one.
async fn two_versions(before: ServedFile, after: ServedFile) -> (Peer, Arc<AtomicBool>) {
    let change = Arc::new(AtomicBool::new(false));
    let changed = Arc::clone(&change);
    let answer = move |request: &Request| -> Answer {
        if changed.load(SeqCst) { after.answer(request) } else { before.answer(request).drip(2 * MIB) }
    };
    (Peer::start(answer).await, change)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_validators_goes_on_when_its_last_bytes_come_again_the_same() {
    for (tag, file) in [
        (None, ServedFile::new(80, LENGTH).without_validators()),
        (Some("W/\"1\""), ServedFile::new(80, LENGTH).header("ETag", "W/\"1\"")),
    ] {
        let (peer, change) = two_versions(file.clone(), file.clone()).await;
        let rig = Rig::new().await;
        let before = peer.requests().len();
        let id = resumed(&rig, &peer.url("a.bin"), &change).await;
        let job = rig.settled(id).await;
        assert_eq!((job.phase, job.validation), (Phase::Completed, Some(Validation::Overlap)), "{tag:?}");
        file.pattern().assert_file(&rig.file("a.bin"), LENGTH);
        let requests = peer.requests();
        assert!(requests[before..].iter().all(|request| request.header("If-Range").is_none()), "{tag:?}");
        assert_eq!(requests.iter().filter(|request| request.range().is_none()).count(), 1, "only the first is plain");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_validators_that_changed_starts_again_and_is_never_mixed() {
    let (old, new) = (ServedFile::new(81, LENGTH), ServedFile::new(82, LENGTH));
    let (peer, change) = two_versions(old.without_validators(), new.clone().without_validators()).await;
    let rig = Rig::new().await;
    let id = resumed(&rig, &peer.url("a.bin"), &change).await;
    let job = rig.settled(id).await;
    assert_eq!((job.phase, job.validation), (Phase::Completed, Some(Validation::Changed)));
    new.pattern().assert_file(&rig.file("a.bin"), LENGTH);
}

/// The tries before have shown that two machines with different files answer for one name.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changed_in_two_tries_is_read_in_one_stream() {
    let (one, other) =
        (ServedFile::new(83, LENGTH).without_validators(), ServedFile::new(84, LENGTH).without_validators());
    let (plain, served) = (AtomicUsize::new(0), one.clone());
    let peer = Peer::start(move |request| match request.range() {
        Some(_) => other.answer(request),
        None if plain.fetch_add(1, SeqCst) < 2 => served.whole().cut_after(MIB, Cut::End),
        None => served.whole().drip(2 * LENGTH),
    })
    .await;
    let rig = Rig::new().await;
    let job = rig.run(rig.download(&peer.url("a.bin"))).await;
    assert_eq!(job.phase, Phase::Completed);
    one.pattern().assert_file(&rig.file("a.bin"), LENGTH);
    let requests = peer.requests();
    assert_eq!(requests.iter().filter(|request| request.range().is_none()).count(), 3);
    assert!(requests.last().unwrap().range().is_none(), "nothing more is asked beside the third answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_in_the_files_beginning_alone_is_noticed_too() {
    let old = ServedFile::new(83, LENGTH).without_validators();
    let change = Arc::new(AtomicBool::new(false));
    let (changed, served) = (Arc::clone(&change), old.clone());
    // The later version differs in its first byte only.
    let first_byte = old.pattern().byte_at(0) ^ 1;
    let peer = Peer::start(move |request| {
        let is_new = changed.load(SeqCst);
        let bytes = |start: u64, end: u64| {
            let mut bytes = served.pattern().bytes(start, end).to_vec();
            if start == 0 {
                bytes[0] = first_byte;
            }
            bytes
        };
        match request.range() {
            _ if !is_new => served.answer(request).drip(2 * MIB),
            None => Answer::status(200).body(bytes(0, LENGTH)),
            Some((start, end)) => {
                let end = end.unwrap_or(LENGTH);
                let told = format!("bytes {start}-{}/{LENGTH}", end - 1);
                Answer::status(206).header("Content-Range", &told).body(bytes(start, end))
            }
        }
    })
    .await;
    let rig = Rig::new().await;
    let id = resumed(&rig, &peer.url("a.bin"), &change).await;
    let job = rig.settled(id).await;
    assert_eq!((job.phase, job.validation), (Phase::Completed, Some(Validation::Changed)));
    assert_eq!(std::fs::read(rig.file("a.bin")).unwrap()[0], first_byte);
}
