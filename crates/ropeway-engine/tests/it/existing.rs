//! Files that have the wanted name already: what is the same is not fetched again, what is not is never touched unasked.

#![expect(clippy::disallowed_methods, reason = "a test edits files as a user does")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, UNIX_EPOCH},
};

use ropeway_model::{FailureCode, JobSpec, OnConflict, Phase, Reuse, Transfer};
use ropeway_testkit::{
    Peer,
    peer::{Request, ServedFile},
};

use crate::rig::{Rig, failure};

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const UNIX: u64 = 784_111_777;
/// Larger than what is held in memory, and smaller.
const LENGTHS: [u64; 2] = [3 << 20, 5000];

/// A server's file with and without what tells its version.
fn manners(length: u64) -> [ServedFile; 4] {
    let plain = ServedFile::new(81, length).without_validators();
    let tagged = ServedFile::new(81, length);
    [tagged.clone().header("Last-Modified", DATE), plain.clone().header("Last-Modified", DATE), tagged, plain]
}

fn reusing(rig: &Rig, peer: &Peer) -> JobSpec {
    JobSpec { reuse: Reuse::Same, ..rig.download(&peer.url("a.bin")) }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_already_is_not_fetched_again() {
    for length in LENGTHS {
        for file in manners(length) {
            let peer = Peer::serve(file.clone()).await;
            let rig = Rig::new().await;
            for _ in 0..3 {
                let job = rig.run(reusing(&rig, &peer)).await;
                assert_eq!(job.phase, Phase::Completed);
                assert_eq!(job.final_path, Some(rig.file("a.bin")));
            }
            assert!(!rig.file("a (1).bin").exists());
            file.pattern().assert_file(&rig.file("a.bin"), length);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_edited_or_is_another_version_is_kept_beside_or_replaced_as_the_user_says() {
    for (number, file) in manners(5000).into_iter().enumerate() {
        let peer = Peer::serve(file.clone()).await;
        let rig = Rig::new().await;
        rig.run(reusing(&rig, &peer)).await;
        // As long as before, with other bytes.
        std::fs::write(rig.file("a.bin"), vec![7; 5000]).unwrap();
        let job = rig.run(reusing(&rig, &peer)).await;
        assert_eq!(job.final_path, Some(rig.file("a (1).bin")), "{number}");
        assert_eq!(std::fs::read(rig.file("a.bin")).unwrap(), vec![7; 5000]);
        let job = rig.run(JobSpec { on_conflict: OnConflict::Overwrite, ..reusing(&rig, &peer) }).await;
        assert_eq!(job.final_path, Some(rig.file("a.bin")));
        file.pattern().assert_file(&rig.file("a.bin"), 5000);
    }
    for newer in [
        ServedFile::new(82, 5000).header("Last-Modified", DATE),
        ServedFile::new(81, 6000),
        ServedFile::new(81, 5000).header("Last-Modified", "Mon, 07 Nov 1994 08:49:37 GMT").header("ETag", "\"new\""),
    ] {
        let rig = Rig::new().await;
        let (old, new, is_new) =
            (ServedFile::new(81, 5000).header("Last-Modified", DATE), newer.clone(), Arc::new(AtomicBool::new(false)));
        let served = Arc::clone(&is_new);
        let answer =
            move |request: &Request| if served.load(SeqCst) { new.answer(request) } else { old.answer(request) };
        let peer = Peer::start(answer).await;
        rig.run(reusing(&rig, &peer)).await;
        is_new.store(true, SeqCst);
        let job = rig.run(JobSpec { on_conflict: OnConflict::Overwrite, ..reusing(&rig, &peer) }).await;
        assert_eq!(job.final_path, Some(rig.file("a.bin")));
        newer.pattern().assert_file(&rig.file("a.bin"), newer.length());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checksum_decides_whether_a_file_that_is_there_is_the_one() {
    let file = ServedFile::new(81, 5000).header("Last-Modified", DATE);
    let peer = Peer::serve(file.clone()).await;
    let rig = Rig::new().await;
    let right =
        rig.run(JobSpec { digest: Some(ropeway_model::Algorithm::Sha256), ..reusing(&rig, &peer) }).await.digest;
    std::fs::write(rig.file("a.bin"), vec![7; 5000]).unwrap();
    let any = JobSpec { reuse: Reuse::Any, checksum: right.clone(), ..rig.download(&peer.url("a.bin")) };
    let job = rig.run(any.clone()).await;
    assert_eq!(job.final_path, Some(rig.file("a (1).bin")));
    std::fs::copy(rig.file("a (1).bin"), rig.file("a.bin")).unwrap();
    let asked = peer.requests().len();
    let job = rig.run(any).await;
    assert_eq!((job.final_path, job.digest), (Some(rig.file("a.bin")), right));
    assert_eq!(peer.requests().len(), asked, "nobody was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_any_file_and_who_wants_none_replaced_asks_for_nothing_in_vain() {
    for length in LENGTHS {
        let peer = Peer::serve(ServedFile::new(81, length)).await;
        let rig = Rig::new().await;
        std::fs::write(rig.file("a.bin"), b"mine").unwrap();
        let any = rig.run(JobSpec { reuse: Reuse::Any, ..rig.download(&peer.url("a.bin")) }).await;
        assert_eq!((any.phase, any.final_path), (Phase::Completed, Some(rig.file("a.bin"))));
        let named = Transfer::Download {
            from: peer.url("x").parse().unwrap(),
            into: rig.folder.path().to_owned(),
            name: Some("a.bin".parse().unwrap()),
        };
        let fail = rig.run(JobSpec { on_conflict: OnConflict::Fail, ..JobSpec::new(named) }).await;
        assert_eq!(failure(&fail).code, FailureCode::FileExists);
        assert!(peer.requests().is_empty());
        let fail = rig.run(JobSpec { on_conflict: OnConflict::Fail, ..rig.download(&peer.url("a.bin")) }).await;
        assert_eq!((failure(&fail).code, fail.progress.moved), (FailureCode::FileExists, 0));
        assert_eq!(std::fs::read(rig.file("a.bin")).unwrap(), b"mine");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_gets_the_time_that_its_server_names_unless_the_user_wants_another() {
    for length in LENGTHS {
        let peer = Peer::serve(ServedFile::new(81, length).header("Last-Modified", DATE)).await;
        let rig = Rig::new().await;
        let modified = || std::fs::metadata(rig.file("a.bin")).unwrap().modified().unwrap();
        rig.run(rig.download(&peer.url("a.bin"))).await;
        assert_eq!(modified(), UNIX_EPOCH + Duration::from_secs(UNIX));
        std::fs::remove_file(rig.file("a.bin")).unwrap();
        rig.run(JobSpec { no_times: true, ..reusing(&rig, &peer) }).await;
        assert!(modified() > UNIX_EPOCH + Duration::from_secs(2 * UNIX));
        let again = rig.run(JobSpec { no_times: true, ..reusing(&rig, &peer) }).await;
        assert_eq!(again.final_path, Some(rig.file("a.bin")));
    }
}
