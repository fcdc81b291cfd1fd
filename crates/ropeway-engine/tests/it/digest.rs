//! What a finished file is held against: the user's checksum and the server's, in any algorithm.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ropeway_engine::{Change, DigestPolicy, Verification};
use ropeway_flow::digest::Hasher;
use ropeway_model::{Algorithm, Digest, FailureCode, Phase};
use ropeway_testkit::{Peer, peer::ServedFile};

use crate::rig::{Rig, failure};

const LENGTH: u64 = 3 << 20;

fn digest(file: &ServedFile, algorithm: Algorithm) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(&file.pattern().bytes(0, file.length()));
    hasher.finish()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checksum_in_any_algorithm_is_compared_with_a_digest_in_the_same() {
    let file = ServedFile::new(70, LENGTH);
    let peer = Peer::serve(file.clone()).await;
    let rig = Rig::new().await;
    for algorithm in Algorithm::ALL {
        let mut spec = rig.download(&peer.url("a.bin"));
        let right = digest(&file, algorithm);
        spec.checksum = Some(right.clone());
        let job = rig.run(spec.clone()).await;
        assert_eq!((job.phase, job.verification), (Phase::Completed, Some(Verification::ChecksumGiven)));
        assert_eq!(job.digest, Some(right.clone()));
        let mut wrong = right.bytes().to_vec();
        wrong[0] ^= 1;
        spec.checksum = Digest::from_bytes(algorithm, &wrong);
        let job = rig.run(spec).await;
        assert_eq!(failure(&job).code, FailureCode::DigestMismatch, "{algorithm:?}");
        assert!(failure(&job).message.contains(&right.to_string()), "{}", failure(&job).message);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_digest_that_was_asked_for_is_shown_and_the_checksum_is_compared_beside_it() {
    let file = ServedFile::new(71, LENGTH);
    let peer = Peer::serve(file.clone()).await;
    let rig = Rig::with(|config| config.digests = DigestPolicy::WhereGiven).await;
    let mut spec = rig.download(&peer.url("a.bin"));
    assert_eq!(rig.run(spec.clone()).await.digest, None, "nobody asked for one");
    spec.digest = Some(Algorithm::Sha512);
    spec.checksum = Some(digest(&file, Algorithm::Md5));
    let job = rig.run(spec).await;
    assert_eq!(job.verification, Some(Verification::ChecksumGiven));
    assert_eq!(job.digest, Some(digest(&file, Algorithm::Sha512)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_announces_for_the_whole_file_is_compared_and_a_parts_is_not() {
    let file = ServedFile::new(72, LENGTH);
    let announced = |algorithm| STANDARD.encode(digest(&file, algorithm).bytes());
    for (name, value) in [
        ("Repr-Digest", format!("sha-512=:{}:", announced(Algorithm::Sha512))),
        ("Content-Digest", format!("sha-256=:{}:", announced(Algorithm::Sha256))),
        ("Digest", format!("SHA={}", announced(Algorithm::Sha1))),
        ("Content-MD5", announced(Algorithm::Md5)),
    ] {
        for holds in [true, false] {
            let served = if holds { file.clone() } else { ServedFile::new(73, LENGTH) };
            let value = value.clone();
            let peer = Peer::start(move |request| match request.range() {
                None => served.answer(request).header(name, &value),
                // Of the part's own bytes, and unlike the whole file's.
                Some(_) => served.answer(request).header("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="),
            })
            .await;
            let rig = Rig::with(|config| config.digests = DigestPolicy::WhereGiven).await;
            let job = rig.run(rig.download(&peer.url("a.bin"))).await;
            if holds {
                assert_eq!(job.verification, Some(Verification::ChecksumOfServer), "{name} {:?}", job.phase);
            } else {
                assert_eq!(failure(&job).code, FailureCode::DigestMismatch, "{name}");
                assert_eq!(rig.folder.names(), ["a.bin.part"], "{name}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_announced_wrongly_once_is_asked_for_once_more() {
    let file = ServedFile::new(74, LENGTH);
    let right = STANDARD.encode(digest(&file, Algorithm::Sha256).bytes());
    let wrong = STANDARD.encode([7; 32]);
    let served = file.clone();
    let peer = Peer::start(move |request| {
        let value = if request.number == 1 { &wrong } else { &right };
        served.answer(request).header("Repr-Digest", &format!("sha-256=:{value}:"))
    })
    .await;
    let rig = Rig::new().await;
    let job = rig.run(rig.download(&peer.url("a.bin"))).await;
    assert_eq!((job.phase, job.verification), (Phase::Completed, Some(Verification::ChecksumOfServer)));
    file.pattern().assert_file(&rig.file("a.bin"), LENGTH);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_checksum_that_was_given_is_compared() {
    let file = ServedFile::new(76, LENGTH);
    let peer = Peer::serve(file.clone()).await;
    let rig = Rig::new().await;
    let right = [Algorithm::Sha256, Algorithm::Md5, Algorithm::Sha1].map(|algorithm| digest(&file, algorithm));
    let wrong = Digest::from_bytes(Algorithm::Sha1, &[0; 20]).unwrap();
    for (last, is_right) in [(right[2].clone(), true), (wrong, false)] {
        let mut spec = rig.download(&peer.url("a.bin"));
        spec.set_checksums([right[0].clone(), right[1].clone(), last.clone()]);
        let job = rig.run(spec).await;
        if is_right {
            assert_eq!((job.phase, job.verification), (Phase::Completed, Some(Verification::ChecksumGiven)));
        } else {
            assert!(failure(&job).message.contains(&last.to_string()), "{}", failure(&job));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checksum_that_is_corrected_is_compared_with_what_is_here() {
    let file = ServedFile::new(77, LENGTH);
    let peer = Peer::serve(file.clone()).await;
    let right = digest(&file, Algorithm::Sha256);
    let wrong = Digest::from_bytes(Algorithm::Md5, &[7; 16]).unwrap();
    for (corrected, verification) in [(vec![right], Verification::ChecksumGiven), (Vec::new(), Verification::Length)] {
        let mut rig = Rig::new().await;
        let mut spec = rig.download(&peer.url("a.bin"));
        spec.set_checksums([wrong.clone()]);
        let id = rig.add(spec).await;
        assert_eq!(failure(&rig.settled(id).await).code, FailureCode::DigestMismatch);
        rig = rig.restart().await;
        let asked = peer.requests().len();
        for (algorithm, bytes) in
            [(Algorithm::Md5, &[8; 16][..]), (Algorithm::Sha1, &[7; 20]), (Algorithm::Sha1, &[8; 20])]
        {
            let other_wrong = Digest::from_bytes(algorithm, bytes).unwrap();
            let change = Change { checksums: Some(vec![other_wrong.clone()]), ..Change::default() };
            rig.engine.change(&[id], change).await.unwrap();
            let told = failure(&rig.settled(id).await).clone();
            assert_eq!(told.code, FailureCode::DigestMismatch);
            assert!(told.message.contains(&other_wrong.to_string()), "{}", told.message);
        }
        let change = Change { checksums: Some(corrected), ..Change::default() };
        assert_eq!(rig.engine.change(&[id], change).await.unwrap(), 1);
        let job = rig.settled(id).await;
        assert_eq!((&job.phase, job.verification), (&Phase::Completed, Some(verification)));
        file.pattern().assert_file(&rig.file("a.bin"), file.length());
        assert_eq!(peer.requests().len(), asked, "nothing is fetched again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_have_the_checksum_is_fetched_anew_where_that_is_still_given() {
    let file = ServedFile::new(78, LENGTH);
    let peer = Peer::serve(file.clone()).await;
    let rig = Rig::new().await;
    let mut spec = rig.download(&peer.url("a.bin"));
    spec.set_checksums([Digest::from_bytes(Algorithm::Md5, &[7; 16]).unwrap()]);
    let id = rig.add(spec).await;
    assert_eq!(failure(&rig.settled(id).await).code, FailureCode::DigestMismatch);
    let sent = || peer.requests().iter().map(|request| request.bytes_sent).sum::<u64>();
    let before = sent();
    rig.engine.resume(&[id]).await.unwrap();
    assert_eq!(failure(&rig.settled(id).await).code, FailureCode::DigestMismatch);
    assert!(sent() >= before + LENGTH, "nothing is built on it");
}
