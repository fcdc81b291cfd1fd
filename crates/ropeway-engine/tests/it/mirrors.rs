//! Several addresses for one file: spread, left, blamed, and never mixed where nothing tells that they are the same.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use ropeway_engine::ServerPolicy;
use ropeway_model::{Algorithm, ConnectionChoice, Connections, Digest, FailureCode, Phase, Pieces, Wish};
use ropeway_testkit::{
    Pattern, Peer, free_port,
    peer::{Answer, Cut, Framing, Request, ServedFile},
};

use crate::rig::{Rig, failure};

const MIB: u64 = 1 << 20;
const LENGTH: u64 = 12 * MIB + 5;
const PIECE: u64 = MIB;

/// The SHA-256 of every piece of the pattern.
fn pieces(pattern: Pattern) -> Pieces {
    let digests = (0..LENGTH.div_ceil(PIECE)).map(|number| {
        let mut hasher = ropeway_flow::digest::Hasher::new(Algorithm::Sha256);
        hasher.update(&pattern.bytes(number * PIECE, LENGTH.min((number + 1) * PIECE)));
        hasher.finish()
    });
    Pieces { length: PIECE, digests: digests.collect() }
}

fn sha256(pattern: Pattern) -> Digest {
    format!("sha256:{}", pattern.sha256(LENGTH)).parse().unwrap()
}

/// The ranges that were asked for and answered.
fn ranges(peer: &Peer) -> usize {
    peer.requests().iter().filter(|request| request.range().is_some() && request.bytes_sent > 0).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_are_spread_over_mirrors_with_the_same_strong_tag() {
    let file = ServedFile::new(1, LENGTH);
    // So slow that the others come before the first has brought all.
    let peer = |file: ServedFile| Peer::start(move |request| file.answer(request).drip(3 * MIB));
    let (one, two) = (peer(file.clone()).await, peer(file.clone()).await);
    let rig = Rig::new().await;
    let mut spec = rig.download(&one.url("a.bin"));
    spec.mirrors = vec![two.url("other-name").parse().unwrap()];
    spec.connections = ConnectionChoice::number(8).ok();
    let job = rig.run(spec).await;
    assert_eq!(job.phase, Phase::Completed);
    file.pattern().assert_file(&rig.file("a.bin"), LENGTH);
    assert!(ranges(&two) >= 1, "{} and {} ranges", ranges(&one), ranges(&two));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_that_nothing_vouches_for_is_not_mixed_in() {
    let file = ServedFile::new(1, LENGTH);
    // The same length, and other bytes.
    for other in [ServedFile::new(2, LENGTH), ServedFile::new(2, LENGTH).without_validators()] {
        let (one, two) = (Peer::serve(file.clone()).await, Peer::serve(other).await);
        let rig = Rig::new().await;
        let mut spec = rig.download(&one.url("a.bin"));
        spec.mirrors = vec![two.url("a.bin").parse().unwrap()];
        let job = rig.run(spec).await;
        assert_eq!(job.phase, Phase::Completed);
        file.pattern().assert_file(&rig.file("a.bin"), LENGTH);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mirrors_with_one_tag_and_other_bytes_are_told_apart_where_they_meet_and_not_mixed_again() {
    let tagged = |seed| ServedFile::new(seed, LENGTH).header("ETag", "\"one\"");
    let peer = |file: ServedFile| Peer::start(move |request| file.answer(request).drip(3 * MIB));
    let (one, two) = (peer(tagged(1)).await, peer(tagged(2)).await);
    let rig = Rig::new().await;
    let mut spec = rig.download(&one.url("a.bin"));
    spec.mirrors = vec![two.url("a.bin").parse().unwrap()];
    spec.connections = ConnectionChoice::number(8).ok();
    let job = rig.run(spec).await;
    assert_eq!(job.phase, Phase::Completed);
    tagged(1).pattern().assert_file(&rig.file("a.bin"), LENGTH);
    assert!(!two.requests().is_empty(), "it was asked");
    let log = rig.engine.detail(job.id).await.unwrap().log;
    let times = log.iter().filter(|(_, line)| line.contains("starts again at byte 0")).count();
    assert!(times <= 1, "{log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_digests_of_pieces_isolate_a_mirror_with_other_bytes() {
    let file = ServedFile::new(1, LENGTH);
    let wrong = ServedFile::new(2, LENGTH).header("ETag", "\"wrong\"");
    for first_is_wrong in [false, true] {
        let (right, wrong) = (Peer::serve(file.clone()).await, Peer::serve(wrong.clone()).await);
        let (first, second) = if first_is_wrong { (&wrong, &right) } else { (&right, &wrong) };
        let rig = Rig::new().await;
        let mut spec = rig.download(&first.url("a.bin"));
        spec.mirrors = vec![second.url("a.bin").parse().unwrap()];
        spec.pieces = Some(pieces(file.pattern()));
        spec.checksum = Some(sha256(file.pattern()));
        spec.connections = ConnectionChoice::number(8).ok();
        let job = rig.run(spec).await;
        assert_eq!(job.phase, Phase::Completed, "{first_is_wrong}");
        file.pattern().assert_file(&rig.file("a.bin"), LENGTH);
        assert!(!wrong.requests().is_empty() && !right.requests().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_of_the_whole_file_that_the_mirrors_miss_together_is_met_by_one() {
    let file = ServedFile::new(1, LENGTH);
    let wrong = ServedFile::new(2, LENGTH).header("ETag", "\"wrong\"");
    let (right, wrong) = (Peer::serve(file.clone()).await, Peer::serve(wrong).await);
    let rig = Rig::new().await;
    let mut spec = rig.download(&right.url("a.bin"));
    spec.mirrors = vec![wrong.url("a.bin").parse().unwrap()];
    spec.checksum = Some(sha256(file.pattern()));
    spec.connections = ConnectionChoice::number(8).ok();
    let job = rig.run(spec).await;
    assert_eq!(job.phase, Phase::Completed);
    file.pattern().assert_file(&rig.file("a.bin"), LENGTH);
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_that_no_mirror_has_fail_the_job_and_nothing_gets_the_name() {
    let wrong = Peer::serve(ServedFile::new(2, LENGTH)).await;
    let rig = Rig::new().await;
    let mut spec = rig.download(&wrong.url("a.bin"));
    spec.pieces = Some(pieces(Pattern::new(1)));
    let job = rig.run(spec).await;
    assert_eq!(failure(&job).code, FailureCode::DigestMismatch);
    assert!(!rig.file("a.bin").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn mirrors_that_are_down_or_refuse_are_passed_over() {
    let file = ServedFile::new(1, LENGTH);
    let refusing = Peer::start(|_| Answer::status(404)).await;
    let healthy = Peer::serve(file.clone()).await;
    let rig = Rig::new().await;
    let mut spec = rig.download(&format!("http://127.0.0.1:{}/a.bin", free_port()));
    spec.mirrors = vec![refusing.url("a.bin").parse().unwrap(), healthy.url("a.bin").parse().unwrap()];
    let job = rig.run(spec).await;
    assert_eq!(job.phase, Phase::Completed);
    file.pattern().assert_file(&rig.file("a.bin"), LENGTH);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_in_the_middle_is_followed_by_one_with_the_same_bytes() {
    let file = ServedFile::new(1, LENGTH).without_validators();
    let served = file.clone();
    let dying = Peer::start(move |request| match request.number {
        1 => served.answer(request).cut_after(3 * MIB, Cut::End),
        _ => Answer::status(503),
    })
    .await;
    let other = Peer::serve(ServedFile::new(2, LENGTH).without_validators()).await;
    let healthy = Peer::serve(file.clone()).await;
    let rig = Rig::new().await;
    let mut spec = rig.download(&dying.url("a.bin"));
    spec.mirrors = vec![other.url("a.bin").parse().unwrap(), healthy.url("a.bin").parse().unwrap()];
    spec.connections = ConnectionChoice::number(1).ok();
    let job = rig.run(spec).await;
    assert_eq!(job.phase, Phase::Completed);
    file.pattern().assert_file(&rig.file("a.bin"), LENGTH);
    assert!(healthy.requests().iter().any(|request| request.range().is_some_and(|(start, _)| start > 0)), "resumed");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mirror_has_its_own_cap_on_connections_over_all_jobs() {
    let file = ServedFile::new(1, LENGTH);
    let served = file.clone();
    let slow = move |request: &Request| served.answer(request).drip(2 * MIB);
    let (one, two) = (Peer::start(slow.clone()).await, Peer::start(slow).await);
    let connections = Connections::new(2).unwrap();
    let rig = Rig::with(|config| config.servers = ServerPolicy { connections, ..ServerPolicy::default() }).await;
    let spec = |name: &str| {
        let mut spec = rig.download(&one.url(name));
        spec.mirrors = vec![two.url(name).parse().unwrap()];
        spec.connections = ConnectionChoice::number(8).ok();
        spec
    };
    let specs = vec![spec("a.bin"), spec("b.bin")];
    let ids = rig.engine.add(specs, Wish::Run).await.unwrap();
    for (id, name) in ids.into_iter().zip(["a.bin", "b.bin"]) {
        assert_eq!(rig.settled(id).await.phase, Phase::Completed);
        file.pattern().assert_file(&rig.file(name), LENGTH);
    }
    for peer in [&one, &two] {
        let most = peer.requests().iter().map(|request| request.beside + 1).max();
        assert!(most >= Some(2) && most <= Some(3), "{most:?}: two, and one whose end the server has not seen yet");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_whose_whole_file_misses_the_digest_is_followed_by_the_next() {
    let file = ServedFile::new(1, LENGTH);
    let wrong = Peer::serve(ServedFile::new(2, LENGTH).header("ETag", "\"wrong\"")).await;
    let right = Peer::serve(file.clone()).await;
    let rig = Rig::new().await;
    let mut spec = rig.download(&wrong.url("a.bin"));
    spec.mirrors = vec![right.url("a.bin").parse().unwrap()];
    spec.checksum = Some(sha256(file.pattern()));
    spec.connections = ConnectionChoice::number(1).ok();
    let job = rig.run(spec).await;
    assert_eq!(job.phase, Phase::Completed);
    file.pattern().assert_file(&rig.file("a.bin"), LENGTH);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_length_than_the_metalink_says_is_none_and_a_mirror_with_the_right_one_is_chosen() {
    for framing in [Framing::Length, Framing::Chunked] {
        let (right, wrong) = (ServedFile::new(1, LENGTH), ServedFile::new(2, LENGTH - 1));
        let served = wrong.clone();
        let wrong = Peer::start(move |_| served.whole().framing(framing)).await;
        let right = Peer::serve(right).await;
        let rig = Rig::new().await;
        let mut spec = rig.download(&wrong.url("a.bin"));
        spec.length = Some(LENGTH);
        spec.mirrors = vec![right.url("a.bin").parse().unwrap()];
        let job = rig.run(spec.clone()).await;
        assert_eq!(job.phase, Phase::Completed, "{framing:?}");
        Pattern::new(1).assert_file(&rig.file("a.bin"), LENGTH);
        spec.mirrors.clear();
        rig.engine.set_tries(1);
        let job = rig.run(spec).await;
        assert_eq!(failure(&job).code, FailureCode::LengthMismatch, "{framing:?}");
        assert!(!rig.file("a (1).bin").exists(), "{framing:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_whose_bytes_missed_the_digest_is_not_read_again_before_they_may_be_others() {
    let file = ServedFile::new(1, LENGTH);
    let versions = [ServedFile::new(2, LENGTH), ServedFile::new(3, LENGTH), file.clone()];
    let version = Arc::new(AtomicUsize::new(0));
    let current = Arc::clone(&version);
    let one = Peer::start(move |request| versions[current.load(SeqCst)].answer(request)).await;
    let two = Peer::serve(ServedFile::new(4, LENGTH)).await;
    let rig = Rig::new().await;
    let mut spec = rig.download(&one.url("a.bin"));
    spec.mirrors = vec![two.url("a.bin").parse().unwrap()];
    spec.checksum = Some(sha256(file.pattern()));
    spec.connections = ConnectionChoice::number(1).ok();
    let id = rig.add(spec).await;
    let read = |peer: &Peer| peer.requests().iter().filter(|request| request.bytes_sent == LENGTH).count();
    assert_eq!(failure(&rig.settled(id).await).code, FailureCode::DigestMismatch);
    assert_eq!((read(&one), read(&two)), (1, 1));

    let again = async || {
        rig.engine.resume(&[id]).await.unwrap();
        rig.settled(id).await
    };
    let job = again().await;
    assert_eq!(failure(&job).code, FailureCode::DigestMismatch);
    assert!(failure(&job).message.contains("not read again"), "{}", failure(&job).message);
    assert_eq!((read(&one), read(&two)), (1, 1), "neither is read in vain");

    // Another version, which is wrong as well, and then the right one.
    version.store(1, SeqCst);
    assert_eq!(failure(&again().await).code, FailureCode::DigestMismatch);
    assert_eq!((read(&one), read(&two)), (2, 1));
    version.store(2, SeqCst);
    assert_eq!(again().await.phase, Phase::Completed);
    file.pattern().assert_file(&rig.file("a.bin"), LENGTH);
}
