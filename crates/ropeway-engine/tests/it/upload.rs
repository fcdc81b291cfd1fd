//! Uploads: the server has exactly the file, or the job says why not.

use ropeway_engine::Verification;
use ropeway_model::{FailureCode, JobSpec, Phase, Transfer};
use ropeway_testkit::{
    Pattern, Peer,
    peer::{Answer, Cut, Intake},
};

use crate::rig::{Rig, failure};

const MIB: u64 = 1 << 20;

fn upload(rig: &Rig, name: &str, length: u64, to: &str) -> JobSpec {
    let from = rig.file(name);
    Pattern::new(7).write_file(&from, length);
    JobSpec::new(Transfer::Upload { from, to: to.parse().unwrap() })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_arrives_whole_and_its_digest_is_known() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    let rig = Rig::new().await;
    let job = rig.run(upload(&rig, "day 3.mov", 5 * MIB + 3, &peer.url("in/"))).await;
    assert_eq!((job.phase, job.verification), (Phase::Completed, Some(Verification::Length)));
    assert_eq!(job.digest.unwrap().hex(), Pattern::new(7).sha256(5 * MIB + 3));
    let requests = peer.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!((requests[0].method.as_str(), requests[0].path.as_str()), ("PUT", "/in/day%203.mov"));
    assert_eq!(requests[0].content_length(), Some(5 * MIB + 3));
    assert_eq!(requests[0].files[0].sha256, Pattern::new(7).sha256(5 * MIB + 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_upload_carries_the_file_in_its_field() {
    let peer = Peer::start(|_| Answer::status(200)).await;
    let rig = Rig::new().await;
    let to = format!("form+{}#field=file", peer.url("up"));
    let job = rig.run(upload(&rig, "a.bin", MIB, &to)).await;
    assert_eq!(job.phase, Phase::Completed);
    let received = peer.requests()[0].files[0].clone();
    assert_eq!((received.field.as_str(), received.name.as_deref()), ("file", Some("a.bin")));
    assert_eq!((received.length, received.sha256), (MIB, Pattern::new(7).sha256(MIB)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_breaks_is_sent_again_from_its_start() {
    let peer = Peer::start(|request| match request.number {
        1 => Answer::status(201).intake(Intake::CutAfter(100_000, Cut::Reset)),
        _ => Answer::status(201),
    })
    .await;
    let rig = Rig::new().await;
    let job = rig.run(upload(&rig, "a.bin", 4 * MIB, &peer.url("in/"))).await;
    assert_eq!(job.phase, Phase::Completed);
    let last = peer.requests().pop().unwrap();
    assert_eq!(last.files[0].sha256, Pattern::new(7).sha256(4 * MIB));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_gone_or_refused_says_so() {
    let peer = Peer::start(|_| Answer::status(403)).await;
    let rig = Rig::new().await;
    let refused = rig.run(upload(&rig, "a.bin", 1000, &peer.url("in/"))).await;
    assert_eq!(failure(&refused).code, FailureCode::Forbidden);
    let to = peer.url("in/").parse().unwrap();
    let missing = rig.run(JobSpec::new(Transfer::Upload { from: rig.file("none"), to })).await;
    assert_eq!(failure(&missing).code, FailureCode::SourceMissing);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_changes_while_it_is_sent_is_never_reported_as_sent() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    let rig = Rig::new().await;
    let mut spec = upload(&rig, "a.bin", 4 * MIB, &peer.url("in/"));
    spec.rate_limit = ropeway_model::ByteRate::new(2 * MIB);
    let id = rig.add(spec).await;
    rig.until(id, |job| job.progress.moved > MIB).await;
    Pattern::new(8).write_file(&rig.file("a.bin"), 4 * MIB);
    let job = rig.settled(id).await;
    assert_eq!(job.phase, Phase::Completed, "it is sent again");
    let last = peer.requests().pop().unwrap();
    assert_eq!(last.files[0].sha256, Pattern::new(8).sha256(4 * MIB), "the new version, not a mixture");
    assert_eq!(job.digest.unwrap().hex(), Pattern::new(8).sha256(4 * MIB));
}
