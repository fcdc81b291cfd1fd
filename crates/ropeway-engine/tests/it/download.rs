//! Downloads: what arrives is one version of the remote file, whole, or an honest failure.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use ropeway_engine::Verification;
use ropeway_model::{FailureCode, OnConflict, Phase, Validation};
use ropeway_testkit::{
    Peer,
    peer::{Answer, Cut, Framing, ServedFile},
};

use crate::rig::{Rig, failure};

const MIB: u64 = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_four_segments_is_byte_identical_and_hashed() {
    let file = ServedFile::new(1, 9 * MIB + 17);
    let served = file.clone();
    let peer = Peer::start(move |request| served.answer(request).drip(4 * MIB)).await;
    let rig = Rig::new().await;
    let job = rig.run(rig.download(&peer.url("a.bin"))).await;
    assert_eq!(job.phase, Phase::Completed);
    assert_eq!(job.verification, Some(Verification::Length));
    assert_eq!(job.digest.unwrap().hex(), file.pattern().sha256(file.length()));
    file.pattern().assert_file(&rig.file("a.bin"), file.length());
    assert_eq!(rig.folder.names(), ["a.bin"]);
    assert!(peer.requests().iter().filter(|request| request.range().is_some()).count() >= 3);
    assert!(peer.requests()[0].range().is_none(), "the first request is plain");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_is_a_file() {
    let peer = Peer::serve(ServedFile::new(1, 0)).await;
    let rig = Rig::new().await;
    let job = rig.run(rig.download(&peer.url("empty"))).await;
    assert_eq!((job.phase, job.progress.length), (Phase::Completed, Some(0)));
    assert_eq!(std::fs::read(rig.file("empty")).unwrap(), b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ignores_ranges_is_read_in_one_stream() {
    let file = ServedFile::new(2, 6 * MIB);
    let served = file.clone();
    let peer = Peer::start(move |_| served.whole()).await;
    let rig = Rig::new().await;
    let job = rig.run(rig.download(&peer.url("a.bin"))).await;
    assert_eq!(job.phase, Phase::Completed);
    file.pattern().assert_file(&rig.file("a.bin"), file.length());
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_connections_are_continued_where_they_broke() {
    let file = ServedFile::new(3, 8 * MIB);
    let served = file.clone();
    let peer = Peer::start(move |request| match request.number {
        1..=6 => served.answer(request).cut_after(300_000, if request.number % 2 == 0 { Cut::Reset } else { Cut::End }),
        _ => served.answer(request),
    })
    .await;
    let rig = Rig::new().await;
    let job = rig.run(rig.download(&peer.url("a.bin"))).await;
    assert_eq!(job.phase, Phase::Completed);
    file.pattern().assert_file(&rig.file("a.bin"), file.length());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_midway_is_never_mixed() {
    let (old, new) = (ServedFile::new(4, 8 * MIB), ServedFile::new(5, 8 * MIB));
    let (before, after) = (old.clone(), new.clone());
    let peer = Peer::start(move |request| match request.number {
        1 => before.answer(request).drip(MIB),
        _ => after.answer(request),
    })
    .await;
    let rig = Rig::new().await;
    let id = rig.add(rig.download(&peer.url("a.bin"))).await;
    let job = rig.settled(id).await;
    assert_eq!(job.phase, Phase::Completed);
    assert_eq!(job.validation, Some(Validation::Changed));
    new.pattern().assert_file(&rig.file("a.bin"), new.length());
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_never_agree_on_a_tag_are_read_in_one_stream() {
    let file = ServedFile::new(11, 6 * MIB);
    let served = file.clone();
    let peer = Peer::start(move |request| {
        let tag = format!("\"{}\"", request.number);
        // If-Range names the tag of another answer: the whole file comes, under yet another tag.
        served.whole().without("ETag").header("ETag", &tag).drip(20 * MIB)
    })
    .await;
    let rig = Rig::new().await;
    let job = rig.run(rig.download(&peer.url("a.bin"))).await;
    assert_eq!(job.phase, Phase::Completed);
    file.pattern().assert_file(&rig.file("a.bin"), file.length());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_checksum_keeps_the_bytes_aside_and_the_final_name_free() {
    let file = ServedFile::new(6, MIB);
    let peer = Peer::serve(file.clone()).await;
    let rig = Rig::new().await;
    let mut spec = rig.download(&peer.url("a.bin"));
    spec.checksum = Some(format!("sha256:{}", "0".repeat(64)).parse().unwrap());
    let job = rig.run(spec).await;
    assert_eq!(failure(&job).code, FailureCode::DigestMismatch);
    assert!(failure(&job).message.contains(&file.pattern().sha256(MIB)), "{}", failure(&job).message);
    assert_eq!(rig.folder.names(), ["a.bin.part"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_checksum_that_holds_is_the_proof() {
    let file = ServedFile::new(7, 3 * MIB);
    let peer = Peer::serve(file.clone()).await;
    let rig = Rig::new().await;
    let mut spec = rig.download(&peer.url("a.bin"));
    spec.checksum = Some(format!("sha256:{}", file.pattern().sha256(3 * MIB)).parse().unwrap());
    assert_eq!(rig.run(spec).await.verification, Some(Verification::ChecksumGiven));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_name_is_handled_as_the_user_chose() {
    let file = ServedFile::new(8, 1000);
    let peer = Peer::serve(file.clone()).await;
    let rig = Rig::new().await;
    let spec = rig.download(&peer.url("a.tar.gz"));
    for _ in 0..2 {
        assert_eq!(rig.run(spec.clone()).await.phase, Phase::Completed);
    }
    assert_eq!(rig.folder.names(), ["a (1).tar.gz", "a.tar.gz"]);
    let mut fail = spec.clone();
    fail.on_conflict = OnConflict::Fail;
    assert_eq!(failure(&rig.run(fail).await).code, FailureCode::FileExists);
    let mut overwrite = spec;
    overwrite.on_conflict = OnConflict::Overwrite;
    assert_eq!(rig.run(overwrite).await.phase, Phase::Completed);
    assert_eq!(rig.folder.names(), ["a (1).tar.gz", "a.tar.gz"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_succeed_fails_at_once_with_its_code() {
    let peer = Peer::start(|request| match request.path.as_str() {
        "/missing" => Answer::status(404),
        "/gone" => Answer::status(410),
        "/login" => Answer::status(401),
        "/nothing" => Answer::status(204),
        _ => Answer::redirect(302, "/loop"),
    })
    .await;
    let rig = Rig::new().await;
    for (path, code) in [
        ("/missing", FailureCode::NotFound),
        ("/gone", FailureCode::Gone),
        ("/login", FailureCode::Unauthorized),
        ("/nothing", FailureCode::UnexpectedContent),
        ("/loop", FailureCode::RedirectRefused),
    ] {
        let job = rig.run(rig.download(&peer.url(&path[1..]))).await;
        assert_eq!(failure(&job).code, code, "{path}");
    }
    assert!(rig.folder.names().is_empty(), "{:?}", rig.folder.names());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_for_a_moment_is_tried_again() {
    let file = ServedFile::new(9, 100_000);
    let served = file.clone();
    let tries = AtomicUsize::new(0);
    let peer = Peer::start(move |request| match tries.fetch_add(1, SeqCst) {
        0 => Answer::status(503),
        1 => Answer::status(503).header("Retry-After", "1"),
        _ => served.answer(request),
    })
    .await;
    let rig = Rig::new().await;
    let job = rig.run(rig.download(&peer.url("a.bin"))).await;
    assert_eq!(job.phase, Phase::Completed);
    let detail = rig.engine.detail(job.id).await.unwrap();
    assert!(detail.log.iter().any(|(_, line)| line.contains("HTTP_SERVER_ERROR")), "{:?}", detail.log);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_length_is_saved_and_marked_unverified() {
    let file = ServedFile::new(10, 500_000);
    let served = file.clone();
    let peer = Peer::start(move |_| served.whole().framing(Framing::Chunked)).await;
    let rig = Rig::new().await;
    let job = rig.run(rig.download(&peer.url("a.bin"))).await;
    assert_eq!((job.phase, job.verification), (Phase::Completed, Some(Verification::Unverified)));
    file.pattern().assert_file(&rig.file("a.bin"), file.length());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_by_turns_are_given_up_within_a_few_tries() {
    let peer = Peer::start(|request| {
        let version = request.number as u64 % 2;
        let served = ServedFile::new(version, 2 * MIB).header("ETag", &format!("\"{version}\""));
        served.answer(request).cut_after(300_000, Cut::End)
    })
    .await;
    let rig = Rig::new().await;
    let job = rig.run(rig.download(&peer.url("a.bin"))).await;
    let told = failure(&job);
    assert_eq!(told.code, FailureCode::BadResponse, "{told}");
    assert!(told.message.contains("another version again and again"), "{told}");
    assert!(peer.requests().len() < 100, "{} requests", peer.requests().len());
    assert!(!rig.file("a.bin").exists());
}
