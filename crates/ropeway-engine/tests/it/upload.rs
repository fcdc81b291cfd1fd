//! Uploads: the server has exactly the file, or the job says why not.

use std::{fs, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ropeway_engine::Verification;
use ropeway_flow::{
    clock::{Clock as _, SystemClock},
    digest::Hasher,
};
use ropeway_model::{Algorithm, FailureCode, JobSpec, Phase, PhaseKind, Transfer};
use ropeway_testkit::{
    Pattern, Peer, TempFolder,
    peer::{Answer, Cut, Intake, Request},
};
use tokio::sync::Semaphore;

use crate::rig::{Rig, failure};

const MIB: u64 = 1 << 20;

fn upload(rig: &Rig, name: &str, length: u64, to: &str) -> JobSpec {
    let from = rig.file(name);
    Pattern::new(7).write_file(&from, length);
    JobSpec::new(Transfer::Upload { from, to: to.parse().unwrap() })
}

/// An entity tag that has the form of an MD5, and is none.
const TAG: &str = "\"0123456789abcdef0123456789abcdef\"";

/// The answer to a HEAD of a server that has so many bytes.
fn has(length: u64) -> Answer {
    Answer::status(200).header("ETag", TAG).pattern(Pattern::new(7), 0, length)
}

/// The answer to a PUT of a server that stored the pattern's first `length` bytes.
fn said(length: u64) -> Answer {
    Answer::status(201).header("Repr-Digest", &field(&Pattern::new(7).bytes(0, length)))
}

/// A digest field of these octets.
fn field(octets: &[u8]) -> String {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(octets);
    format!("sha-256=:{}:", STANDARD.encode(hasher.finish().bytes()))
}

/// Waits until the whole body of a request has come; counted from zero.
async fn sent_whole(peer: &Peer, number: usize) {
    while !peer.requests().get(number).is_some_and(|request| request.body_complete) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_was_sent_whole_is_not_taken_up_by_the_next_process() {
    let peer = Peer::start(|_| Answer::silence()).await;
    let rig = Rig::new().await;
    let to = format!("form+{}#field=file", peer.url("up"));
    for length in [0, MIB] {
        let before = peer.requests().len();
        let id = rig.add(upload(&rig, "a.bin", length, &to)).await;
        sent_whole(&peer, before).await;
        // As a crash leaves it.
        let copy = TempFolder::new();
        for file in fs::read_dir(rig.database().parent().unwrap()).unwrap().map(Result::unwrap) {
            fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
        let left = Rig::with(|config| config.database = Some(copy.join("queue.db"))).await;
        assert_eq!(failure(&left.engine.job(id).unwrap()).code, FailureCode::Unconfirmed, "{length}");
        rig.engine.cancel(&[id]).await.unwrap();
    }
    let id = rig.add(upload(&rig, "b.bin", 1000, &to)).await;
    sent_whole(&peer, 2).await;
    let rig = rig.restart().await;
    assert_eq!(failure(&rig.engine.job(id).unwrap()).code, FailureCode::Unconfirmed);
    assert_eq!(peer.requests().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_paused_behind_its_last_byte_takes_the_answer_in_and_is_not_sent_again() {
    for (prefix, options) in [("form+", "#field=file"), ("", "#verify=off")] {
        let let_go = Arc::new(Semaphore::new(0));
        let gate = Arc::clone(&let_go);
        let peer = Peer::start(move |_| Answer::status(201).held_by(&gate)).await;
        let rig = Rig::new().await;
        let to = format!("{prefix}{}{options}", peer.url("up/"));
        let id = rig.add(upload(&rig, "a.bin", MIB, &to)).await;
        sent_whole(&peer, 0).await;
        rig.engine.pause(&[id]).await.unwrap();
        let_go.add_permits(1);
        let job = rig.settled(id).await;
        assert_eq!((job.phase, job.progress.durable), (Phase::Completed, MIB), "{prefix}");
        rig.engine.resume(&[id]).await.unwrap();
        assert_eq!(peer.requests().len(), 1, "{prefix}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_paused_and_never_answered_is_unconfirmed_and_goes_on_with_no_others() {
    let peer = Peer::start(|_| Answer::silence()).await;
    let rig = Rig::new().await;
    let id = rig.add(upload(&rig, "a.bin", MIB, &format!("form+{}#field=file", peer.url("up")))).await;
    sent_whole(&peer, 0).await;
    rig.engine.pause_all().await.unwrap();
    assert_eq!(failure(&rig.settled(id).await).code, FailureCode::Unconfirmed);
    assert_eq!(rig.engine.resume_all().await.unwrap(), 0);
    let rig = rig.restart().await;
    assert_eq!(rig.engine.resume_all().await.unwrap(), 0);
    assert_eq!(failure(&rig.engine.job(id).unwrap()).code, FailureCode::Unconfirmed);
    assert_eq!(peer.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_paused_while_the_server_is_asked_has_been_sent() {
    let peer =
        Peer::start(|request| if request.method == "PUT" { Answer::status(201) } else { Answer::silence() }).await;
    let rig = Rig::new().await;
    let id = rig.add(upload(&rig, "a.bin", MIB, &peer.url("in/"))).await;
    rig.until(id, |job| job.phase.kind() == PhaseKind::Verifying).await;
    rig.engine.pause(&[id]).await.unwrap();
    let job = rig.settled(id).await;
    assert_eq!((job.phase, job.verification), (Phase::Completed, Some(Verification::Unverified)));
    assert_eq!(peer.requests().iter().filter(|request| request.method == "PUT").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_given_up_behind_its_last_byte_ends_without_an_answer() {
    let peer = Peer::start(|_| Answer::silence()).await;
    let rig = Rig::new().await;
    let id = rig.add(upload(&rig, "a.bin", MIB, &peer.url("in/"))).await;
    sent_whole(&peer, 0).await;
    rig.engine.pause(&[id]).await.unwrap();
    rig.engine.cancel(&[id]).await.unwrap();
    let job = rig.settled(id).await;
    assert_eq!(job.phase, Phase::Canceled);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_told_when_to_come_back_waits_so_long_and_no_longer() {
    let peer = Peer::start(|_| Answer::status(503).header("Retry-After", "30")).await;
    let rig = Rig::new().await;
    let id = rig.add(upload(&rig, "a.bin", 1000, &peer.url("in/"))).await;
    let job = rig.until(id, |job| job.phase.kind() == PhaseKind::Waiting).await;
    let Phase::Waiting { until, .. } = job.phase else { panic!("it waits") };
    let asked = Duration::from_secs(30);
    let left = until.remaining_from(job.created);
    assert!(left >= asked, "{left:?}");
    assert!(until.remaining_from(SystemClock.now()) <= asked.mul_f64(1.1), "{left:?}");
    assert!(rig.engine.servers().iter().all(|server| server.rests_until.is_none()), "one address is not the server");
}

fn last_put(peer: &Peer) -> Request {
    peer.requests().into_iter().rfind(|request| request.method == "PUT").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_says_it_stored_decides_whether_an_upload_is_verified() {
    type Say = fn() -> (Answer, Answer);
    let cases: [(&str, Say, Result<Verification, FailureCode>); 9] = [
        ("nothing", || (Answer::status(201), Answer::status(404)), Err(FailureCode::Unconfirmed)),
        ("its length", || (Answer::status(204), has(1000)), Ok(Verification::Length)),
        ("half of it", || (Answer::status(204), has(500)), Err(FailureCode::StoredDiffers)),
        ("its digest", || (said(1000), Answer::status(404)), Ok(Verification::ChecksumOfServer)),
        ("another digest", || (said(999), Answer::status(404)), Err(FailureCode::StoredDiffers)),
        (
            "its digest when asked",
            || (Answer::status(201), has(1000).header("Repr-Digest", &field(&Pattern::new(7).bytes(0, 1000)))),
            Ok(Verification::ChecksumOfServer),
        ),
        (
            "another digest when asked",
            || (Answer::status(201), has(1000).header("Repr-Digest", &field(&Pattern::new(7).bytes(0, 999)))),
            Err(FailureCode::StoredDiffers),
        ),
        (
            "the digest of its own answer",
            || (Answer::status(201).header("Content-Digest", &field(b"ok")).body("ok"), has(1000)),
            Ok(Verification::Length),
        ),
        ("a tag that is no digest", || (Answer::status(201).header("ETag", TAG), has(1000)), Ok(Verification::Length)),
    ];
    for (what, say, expected) in cases {
        let peer = Peer::start(move |request| if request.method == "PUT" { say().0 } else { say().1 }).await;
        let rig = Rig::new().await;
        let job = rig.run(upload(&rig, "a.bin", 1000, &peer.url("in/"))).await;
        match expected {
            Ok(verification) => assert_eq!(job.verification, Some(verification), "{what}"),
            Err(code) => assert_eq!(failure(&job).code, code, "{what}"),
        }
        let puts = peer.requests().iter().filter(|request| request.method == "PUT").count();
        assert_eq!(puts, 1, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_may_say_that_the_server_is_not_to_be_asked() {
    let peer = Peer::start(|_| Answer::status(204)).await;
    let rig = Rig::new().await;
    let job = rig.run(upload(&rig, "a.bin", 1000, &peer.url("in/#verify=off"))).await;
    assert_eq!(job.verification, Some(Verification::Unverified));
    assert_eq!(peer.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_already_and_the_same_is_done_and_anything_else_in_the_way_is_not() {
    for (status, there, expected) in [
        (409, Some(1000), true),
        (412, Some(1000), true),
        (409, Some(999), false),
        (409, None, false),
        (403, Some(1000), false),
    ] {
        let peer = Peer::start(move |request| match request.method.as_str() {
            "PUT" => Answer::status(status),
            _ => match there {
                Some(length) => has(1000).header("Repr-Digest", &field(&Pattern::new(7).bytes(0, length))),
                None => has(1000),
            },
        })
        .await;
        let rig = Rig::new().await;
        let job = rig.run(upload(&rig, "a.bin", 1000, &peer.url("in/"))).await;
        if expected {
            assert_eq!(job.verification, Some(Verification::ChecksumOfServer), "{status} {there:?}");
            assert_eq!((job.progress.moved, job.progress.durable), (1000, 1000));
        } else {
            let code = if status == 403 { FailureCode::Forbidden } else { FailureCode::RemoteConflict };
            assert_eq!(failure(&job).code, code, "{status} {there:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_the_one_the_checksum_is_of_is_not_sent() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    let rig = Rig::new().await;
    for algorithm in ["sha256", "md5"] {
        let mut spec = upload(&rig, "a.bin", 1000, &peer.url("in/"));
        let digits = if algorithm == "md5" { 32 } else { 64 };
        spec.checksum = Some(format!("{algorithm}:{}", "0".repeat(digits)).parse().unwrap());
        let job = rig.run(spec).await;
        assert_eq!(failure(&job).code, FailureCode::DigestMismatch);
        assert!(failure(&job).message.contains("nothing was sent"), "{:?}", failure(&job));
    }
    assert_eq!(peer.requests().len(), 0);
    let mut spec = upload(&rig, "a.bin", 1000, &peer.url("in/"));
    spec.checksum = Some(format!("sha256:{}", Pattern::new(7).sha256(1000)).parse().unwrap());
    let job = rig.run(spec).await;
    assert_eq!((job.phase, job.verification), (Phase::Completed, Some(Verification::Unverified)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_which_nothing_is_there_is_not_taken_for_sent() {
    let made = || Answer::status(201);
    let answers: [(fn() -> Answer, bool); 3] = [
        (made, false),
        (|| Answer::status(201).header("Location", "/kept/1"), true),
        (|| Answer::status(200).body("https://files.example/1/a.bin\n"), true),
    ];
    for (answer, is_well) in answers {
        let peer =
            Peer::start(move |request| if request.method == "PUT" { answer() } else { Answer::status(404) }).await;
        let rig = Rig::new().await;
        let job = rig.run(upload(&rig, "a.bin", 1000, &peer.url("in/"))).await;
        if is_well {
            assert_eq!((job.phase, job.verification), (Phase::Completed, Some(Verification::Unverified)));
        } else {
            assert_eq!(failure(&job).code, FailureCode::Unconfirmed);
            assert!(failure(&job).message.contains("nothing is at"), "{:?}", failure(&job));
        }
        assert_eq!(peer.requests().iter().filter(|request| request.method == "PUT").count(), 1, "it is sent once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_up_as_it_is_read_is_not_sent_as_an_empty_file() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    let rig = Rig::new().await;
    for from in ["/proc/self/status", "/dev/null"] {
        let to = peer.url("in/").parse().unwrap();
        let job = rig.run(JobSpec::new(Transfer::Upload { from: from.into(), to })).await;
        assert_eq!(failure(&job).code, FailureCode::NotAFile, "{from}");
    }
    assert_eq!(peer.requests().len(), 0);
    let empty = rig.run(upload(&rig, "empty.bin", 0, &peer.url("in/"))).await;
    assert_eq!(empty.phase, Phase::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_may_have_been_processed_is_posted_once() {
    for status in [500, 502, 504] {
        let peer = Peer::start(move |_| Answer::status(status)).await;
        let rig = Rig::new().await;
        let to = format!("form+{}#field=file", peer.url("up"));
        let job = rig.run(upload(&rig, "a.bin", 1000, &to)).await;
        assert_eq!(failure(&job).code, FailureCode::Unconfirmed, "{status}");
        assert_eq!(peer.requests().len(), 1, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_arrives_whole_and_its_digest_is_known() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    let rig = Rig::new().await;
    let job = rig.run(upload(&rig, "day 3.mov", 5 * MIB + 3, &peer.url("in/"))).await;
    assert_eq!((job.phase, job.verification), (Phase::Completed, Some(Verification::Unverified)));
    assert_eq!(job.digest.unwrap().hex(), Pattern::new(7).sha256(5 * MIB + 3));
    let requests = peer.requests();
    let methods: Vec<_> = requests.iter().map(|request| request.method.as_str()).collect();
    assert_eq!(methods, ["PUT", "HEAD"], "what it stored is asked");
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
    assert_eq!(last_put(&peer).files[0].sha256, Pattern::new(7).sha256(4 * MIB));
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
    let last = last_put(&peer);
    assert_eq!(last.files[0].sha256, Pattern::new(8).sha256(4 * MIB), "the new version, not a mixture");
    assert_eq!(job.digest.unwrap().hex(), Pattern::new(8).sha256(4 * MIB));
}
